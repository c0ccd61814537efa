"""A recording as one HTML file that needs nothing else: facts, tables to sort, a timeline to look into, memory.

It reads nothing from the network and sends nothing. Names of ops, modules and ranges are text in it, whatever they are.
"""

from __future__ import annotations

import json
import math
import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

import tinytorch
from tinytorch_profiling.events import Call, Recording, Spec, specs
from tinytorch_profiling.files import expect_suffix, write
from tinytorch_profiling.machine import blas, processor
from tinytorch_profiling.memory_svg import memory_section
from tinytorch_profiling.spans import Memory, Span, Track, tracks
from tinytorch_profiling.stacks import stacks

MOST = 40_000  # bars in the timeline, the longest ones: what a browser draws at once
LONGEST = 100  # stacks in the table that says the same in words
ARRAYS = 6  # that a bar tells of what a call takes, and of what it gives
COLOURS = {  # Okabe and Ito's, light enough for dark text
    "forward": "#56b4e9",
    "backward": "#e69f00",
    "step": "#3fbf9b",
    "module": "#c9c9c9",
    "range": "#dd9cc0",
}


@dataclass(frozen=True)
class Table:
    """A table of a report: columns with their units ("" for none), and rows of text and numbers, None for nothing."""

    title: str
    columns: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[Any] | Mapping[str, Any]]  # a mapping has the columns' names
    note: str = ""

    def cells(self) -> list[list[Any]]:
        """The rows, each in the order of columns; raise ValueError for one of another length."""
        names = [name for name, _ in self.columns]
        rows = [[row.get(name) for name in names] if isinstance(row, Mapping) else list(row) for row in self.rows]
        for place, row in enumerate(rows):
            if len(row) != len(names):
                raise ValueError(f"table {self.title!r}: row {place} has {len(row)} cells for {len(names)} columns")
        return rows


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
    rows = table.cells()
    numeric = [all(_is_number(row[place]) or row[place] is None for row in rows) for place in range(len(table.columns))]
    head = "".join(map(_head, table.columns, numeric))
    body = "\n".join(f"<tr>{''.join(map(_cell, range(len(row)), row, numeric))}</tr>" for row in rows)
    title = escape(table.title)
    note = f'<p class="quiet">{escape(table.note)}</p>' if table.note else ""
    return (
        f'<section><h2>{title}</h2>{note}<div class="scroll" tabindex="0" role="region" aria-label="{title}">'
        f'<table class="sortable"><caption>{title}: {len(rows):,} {"row" if len(rows) == 1 else "rows"}; '
        f"a column's name sorts by it</caption><thead><tr>{head}</tr></thead><tbody>\n{body}\n"
        "</tbody></table></div></section>"
    )


def _head(column: tuple[str, str], numeric: bool) -> str:
    name, unit = map(escape, column)
    unit = f" <small>{unit}</small>" if unit else ""
    return f'<th scope="col" class="{"number" if numeric else "text"}"><button type="button">{name}{unit}</button></th>'


def _cell(place: int, value: Any, numeric: bool) -> str:
    tag, scope = ("th", ' scope="row"') if place == 0 and not numeric else ("td", "")
    shown = _shown(value)
    if not numeric:
        return f'<{tag}{scope} class="text">{_breakable(shown)}</{tag}>'
    exact = "" if value is None or math.isnan(value) else float(value)
    return f'<td class="number" data-value="{exact}">{escape(shown)}</td>'


def _breakable(text: str) -> str:
    """A name that a narrow column breaks between its words."""
    return re.sub(r"([._/,])", r"\1<wbr>", escape(text))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    """A cell as a person reads it: whole numbers with commas, others with four digits at least."""
    if value is None:
        return "–"
    if not _is_number(value):
        return str(value)
    if isinstance(value, int | np.integer) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:#.4g}" if abs(value) >= 0.001 or value == 0 else f"{value:.2e}"


def _timeline(recording: Recording) -> str:
    """The canvas, what steers it, and the same as a table."""
    count = len(recording.calls) + len(recording.scopes)
    own = [(" › ".join(stack), time / 1e6) for stack, time in stacks(recording).most_common(LONGEST)]
    parts = {
        "left": f"Of {count:,} bars the {MOST:,} longest are drawn." if count > MOST else "",
        "legend": "".join(f'<li><i style="background:{colour}"></i>{kind}</li>' for kind, colour in COLOURS.items()),
        "words": _table(Table("Longest paths by own time", (("path", ""), ("own time", "ms")), own)),
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
