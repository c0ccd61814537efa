"""A recording as one HTML file that needs nothing else: facts, tables to sort, a timeline to look into, memory.

It reads nothing from the network and sends nothing. Names of ops, modules and ranges are text in it, whatever they are.
"""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

import tinytorch
from tinytorch_profiling.events import Call, Recording, Spec, specs
from tinytorch_profiling.export.files import expect_suffix, write
from tinytorch_profiling.export.memory_section import memory_section
from tinytorch_profiling.export.spans import Memory, Span, Track, tracks
from tinytorch_profiling.export.stacks import stacks
from tinytorch_profiling.peaks import blas, processor
from tinytorch_profiling.table import Column, Table

MOST = 40_000  # bars in the timeline, the longest ones: what a browser draws at once
LONGEST = 100  # stacks in the table that says the same in words
ARRAYS = 6  # that a bar tells of what a call takes, and of what it gives
PATHS = (Column("path", "path"), Column("time", "self", "ns"))
COLOURS = {  # Okabe and Ito's, light enough for dark text
    "forward": "#56b4e9",
    "backward": "#e69f00",
    "step": "#3fbf9b",
    "module": "#c9c9c9",
    "range": "#dd9cc0",
}


def export_html(
    recording: Recording,
    path: str | Path,
    tables: Sequence[Table] = (),
    memory: Memory = (),
    facts: Mapping[str, str] | None = None,
    title: str = "tinytorch profile",
) -> None:
    """Write the report to a .html file."""
    expect_suffix(path, "export_html", ".html", ".htm")
    write(path, [html(recording, tables, memory, facts, title)])


def html(
    recording: Recording,
    tables: Sequence[Table] = (),
    memory: Memory = (),
    facts: Mapping[str, str] | None = None,
    title: str = "tinytorch profile",
) -> str:
    """Make the report; `facts` come after those about the machine, and replace those of the same name."""
    told = {**environment(recording), **(facts or {})}
    sections = [*map(_table, tables), _timeline(recording), *([memory_section(memory)] if memory else [])]
    parts = {
        "style": _template("report.css"),
        "script": _template("report.js"),
        "title": escape(title),
        "facts": "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in told.items()),
        "sections": "\n".join(sections),
        "data": _timeline_data(recording),
    }
    return _filled("report.html", parts)


def environment(recording: Recording) -> dict[str, str]:
    """What a reader must know to compare the numbers: machine, threads, versions, plugins."""
    library, threads = blas()
    windows = len(recording.windows)
    plugins = sorted({call.plugin for call in recording.calls} - {"core"})
    return {
        "written": datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S %Z"),
        "machine": f"{processor()}, {platform.system()} {platform.release()}",
        "threads": f"{threads} of {library}",
        "versions": f"tinytorch {tinytorch.__version__}, numpy {np.__version__}, Python {platform.python_version()}",
        "plugins": ", ".join(plugins) or "none: the core answered all calls",
        "wall time": f"{recording.wall / 1e6:,.3f} ms in {windows} {'window' if windows == 1 else 'windows'}",
        "calls": f"{len(recording.calls):,} of ops",
    }


def _filled(template: str, parts: Mapping[str, str]) -> str:
    page = _template(template)
    for name, part in parts.items():  # what is put in is escaped: it holds no <!--place--> of another part
        page = page.replace(f"<!--{name}-->", part)
    return page


def _template(name: str) -> str:
    return files(__package__).joinpath("template", name).read_text(encoding="utf-8")


def _table(table: Table) -> str:
    numeric = [all(_is_number(row.get(column.key)) for row in table.rows) for column in table.columns]
    head = "".join(map(_head, table.columns, numeric))
    body = "\n".join(f"<tr>{''.join(_cells(table, row, numeric))}</tr>" for row in table.rows)
    title, count = escape(table.title), len(table.rows)
    notes = "".join(f'<p class="quiet">{escape(note)}</p>' for note in table.notes)
    return (
        f'<section><h2>{title}</h2>{notes}<div class="scroll" tabindex="0" role="region" aria-label="{title}">'
        f'<table class="sortable"><caption>{title}: {count:,} {"row" if count == 1 else "rows"}; '
        f"a column's name sorts by it</caption><thead><tr>{head}</tr></thead><tbody>\n{body}\n"
        "</tbody></table></div></section>"
    )


def _head(column: Column, numeric: bool) -> str:
    kind = "number" if numeric else "text"
    return f'<th scope="col" class="{kind}"><button type="button">{escape(column.title)}</button></th>'


def _cells(table: Table, row: Mapping[str, Any], numeric: Sequence[bool]) -> Iterator[str]:
    """The cells of a row: of numbers how they read, and what they are sorted by."""
    for place, (column, number) in enumerate(zip(table.columns, numeric, strict=True)):
        text, value = column.text(row) or "–", row.get(column.key)
        if number:
            yield f'<td class="number" data-value="{"" if value is None else float(value)}">{escape(text)}</td>'
        else:
            tag = "td" if place else 'th scope="row"'
            yield f'<{tag} class="text">{_breakable(text)}</{tag.partition(" ")[0]}>'


def _breakable(text: str) -> str:
    """A name that a narrow column breaks between its words."""
    return re.sub(r"([._/,])", r"\1<wbr>", escape(text))


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float | np.number) and not isinstance(value, bool))


def _timeline(recording: Recording) -> str:
    """The canvas, what steers it, and the same as a table."""
    count = len(recording.calls) + len(recording.scopes)
    own = [{"path": " › ".join(stack), "time": time} for stack, time in stacks(recording).most_common(LONGEST)]
    parts = {
        "left": f"Of {count:,} bars the {MOST:,} longest are drawn." if count > MOST else "",
        "legend": "".join(f'<li><i style="background:{colour}"></i>{kind}</li>' for kind, colour in COLOURS.items()),
        "words": _table(Table("longest paths by own time", PATHS, tuple(own))),
    }
    return _filled("timeline.html", parts)


def _timeline_data(recording: Recording) -> str:
    """The bars as JSON: names and notes once each, the numbers of bars beside them."""
    rows = tracks(recording)
    every = [span for track in rows for span in track.spans]
    longest = sorted((span.end - span.start for span in every), reverse=True)
    least = longest[MOST] + 1 if len(longest) > MOST else 0
    names: dict[str, int] = {}
    notes: dict[str, int] = {}
    zero = min((span.start for span in every), default=0)
    data = {
        "tracks": [{"name": row.name, "spans": list(_bars(row, zero, least, names, notes))} for row in rows],
        "names": list(names),
        "notes": list(notes),
        "colours": COLOURS,
        "end": max((span.end for span in every), default=0) - zero,
    }
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _bars(
    track: Track, zero: int, least: int, names: dict[str, int], notes: dict[str, int]
) -> Iterable[tuple[int, int, int, int, str, int]]:
    for span in track.spans:
        if (time := span.end - span.start) >= least:
            name, note = names.setdefault(span.name, len(names)), notes.setdefault(_note(span), len(notes))
            yield span.start - zero, time, span.depth, name, span.kind, note


def _note(span: Span) -> str:
    call = span.source
    if not isinstance(call, Call):
        return call.name if call.kind == "module" else ""
    taken, given = _told(list(specs(call.inputs))), _told(call.outputs)
    return f"{taken} → {given}\n{call.module or 'no module'}, by {call.plugin}"


def _told(arrays: Sequence[Spec]) -> str:
    """Arrays in a few words: an optimizer's step takes hundreds."""
    shown = ", ".join(f"{each.dtype}{list(each.shape)}" for each in arrays[:ARRAYS])
    more = len(arrays) - ARRAYS
    return f"{shown} and {more:,} more" if more > 0 else shown or "nothing"
