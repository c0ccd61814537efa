"""A comparison to read: tables for a terminal, Markdown, and one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from tinytorch_bench.peers.report import Form, Report, Row
from tinytorch_bench.statistics import Ratio

MIB = 1 << 20
SCALE = 2.0  # the ratio at the right end of a strip
FORMS = "best forms"
READING = (
    "A ratio is tinytorch's time / the peer's: the median over rounds, its interval of 95 % (order statistics), the "
    "smallest and largest. Below 1 tinytorch is faster. Aims of single ops inform only."
)
STYLE = """
:root { color-scheme: light dark; --rule: #8884; --quiet: light-dark(#666, #aaa) }
* { box-sizing: border-box }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 84rem; margin: 0 auto; padding: 1rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem } dd { margin: 0; overflow-wrap: anywhere }
dt, .quiet, small { color: var(--quiet) } small { display: block; font-weight: 400 }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .3rem .5rem; border-bottom: 1px solid var(--rule) }
tbody th { font-weight: 600; min-width: 14rem } td { font-variant-numeric: tabular-nums; white-space: nowrap }
.warning, .no { color: light-dark(#b3261e, #ff8a80) } .yes { color: light-dark(#17803d, #5fce8b) }
svg { display: block; width: 6rem; height: .9rem; margin-top: .3rem }
@media (max-width: 45rem) {
  thead { display: none } table, tbody, tr, th, td { display: block } td { white-space: normal; border: 0; padding: 0 }
  tbody th { border: 0; padding: .6rem 0 0 } tr { border-bottom: 1px solid var(--rule); padding-bottom: .6rem }
  td[data-head]::before { content: attr(data-head) ": "; color: var(--quiet) } td:empty { display: none }
}
"""


class Table(NamedTuple):
    """Cells by rows, the first of which names the row."""

    title: str
    columns: list[str]
    rows: list[list[str]]


def tables(report: Report) -> list[Table]:
    """The times, and the memory of trainings, where there are any."""
    timed = [row for row in report.rows if row.ratio is not None]
    weighed = [row for row in report.rows if row.memory is not None]
    found = [Table("Time of a step", _time_columns(report), [_time_cells(row, report) for row in timed])]
    columns = ["workload", "ratio", "aim", "reached", "tinytorch MiB", f"{report.peer} MiB"]
    found.append(Table("Peak memory of training", columns, [_memory_cells(row) for row in weighed]))
    return [table for table in found if table.rows]


def _time_columns(report: Report) -> list[str]:
    columns = ["workload", "ratio", "95 % interval", "range", "aim", "reached", "tinytorch µs", f"{report.peer} µs"]
    return [*columns, *(["to tuned malloc"] if report.settings["tuned_malloc"] else []), "difference", FORMS]


def _time_cells(row: Row, report: Report) -> list[str]:
    assert row.ratio is not None
    assert row.ours is not None
    assert row.theirs is not None
    ratio, tuned = row.ratio, row.tuned_ratio
    cells = [
        *(row.workload.name, f"{ratio.median:.2f}", _interval(ratio), f"{ratio.smallest:.2f}-{ratio.largest:.2f}"),
        *("-" if row.aim is None else f"{row.aim:.2f}", row.reached or "-"),
        *(_us(row.ours.us), _us(row.theirs.us)),
    ]
    more = [f"{tuned.median:.2f} ({_interval(tuned)})" if tuned else ""] if report.settings["tuned_malloc"] else []
    return [*cells, *more, f"{row.difference:.0e}", _forms(row.ours, row.theirs, report)]


def _interval(ratio: Ratio) -> str:
    return f"{ratio.low:.2f}-{ratio.high:.2f}"


def _us(microseconds: float) -> str:
    return f"{microseconds:.0f}" if microseconds >= 100 else f"{microseconds:.1f}"


def _forms(ours: Form, theirs: Form, report: Report) -> str:
    """Threads where a side could choose, and the order of memory."""
    told = [theirs.variant] if theirs.variant else []
    if ours.threads != theirs.threads or ours.threads != report.settings["threads"]:
        told.append(f"threads {ours.threads} and {theirs.threads}")
    return ", ".join(told)


def _memory_cells(row: Row) -> list[str]:
    assert row.memory is not None
    found = row.memory
    sizes = [f"{size / MIB:.1f}" for size in (found.ours, found.theirs)]
    return [row.workload.name, f"{found.ratio:.2f}", f"{found.aim:.2f}", "yes" if found.reached else "no", *sizes]


def unmeasured(report: Report) -> list[str]:
    """Say why each of the others was not timed."""
    return [f"{row.workload.name}: {row.told}; nothing was timed" for row in report.rows if row.ratio is None]


def facts(report: Report) -> dict[str, str]:
    """What was compared, and where."""
    sides = {side: told["version"] + _with(told["plugins"]) for side, told in report.sides.items()}
    how = f"{report.settings['rounds']} rounds of {report.settings['threads']} threads"
    return {**report.machine, **sides, "measured": how}


def _with(plugins: Sequence[str]) -> str:
    return f" with {', '.join(plugins)}" if plugins else ""


def markdown(report: Report) -> str:
    """The comparison as Markdown."""
    head = [f"- {name}: {value}" for name, value in facts(report).items()]
    remarks = [f"**{text}**" for text in (*report.warnings, *unmeasured(report))]
    parts = ["\n".join(head), READING, *remarks, *map(markdown_table, tables(report))]
    return "\n\n".join([f"# tinytorch and {report.peer}", *parts]) + "\n"


def markdown_table(table: Table, heading: str = "##") -> str:
    """A table as Markdown, with its title as a heading."""
    rows = [table.columns, ["---"] * len(table.columns), *table.rows]
    return "\n".join([f"{heading} {table.title}", "", *(f"| {' | '.join(row)} |" for row in rows)])


def html(report: Report) -> str:
    """The comparison as one HTML page, without scripts and without anything from elsewhere."""
    title = f"tinytorch and {escape(report.peer)}"
    told = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts(report).items())
    remarks = "".join(f'<p class="warning">{escape(text)}</p>' for text in (*report.warnings, *unmeasured(report)))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body>\n<h1>{title}</h1><dl>{told}</dl>{remarks}"
        f'<p class="quiet">{READING} In a strip the line in the middle is 1, the mark the aim.</p>\n'
        f"{''.join(_html_table(table, report) for table in tables(report))}</body></html>\n"
    )


def _html_table(table: Table, report: Report) -> str:
    by_name = {row.workload.name: row for row in report.rows}
    timed = FORMS in table.columns
    columns = [column for column in table.columns if column != FORMS]  # they stand below the name
    shown = [columns[0], *(["strip"] if timed else []), *columns[1:]]
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in shown)
    body = "".join(_html_row(cells, columns, by_name[cells[0]], timed=timed) for cells in table.rows)
    return (
        f'<h2>{table.title}</h2><div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>\n"
    )


def _html_row(cells: Sequence[str], columns: Sequence[str], row: Row, *, timed: bool) -> str:
    told = [row.workload.what, *([f"{FORMS}: {cells[-1]}"] if timed and cells[-1] else [])]
    named = f'<th scope="row">{escape(cells[0])}<small>{escape("; ".join(told))}</small></th>'
    rest = "".join(_html_cell(column, cell) for column, cell in zip(columns[1:], cells[1:], strict=False))
    return f"<tr>{named}{_strip(row) if timed else ''}{rest}</tr>\n"


def _html_cell(column: str, cell: str) -> str:
    kind = f' class="{cell[:3].strip(",")}"' if column == "reached" and cell != "-" else ""
    return f'<td data-head="{escape(column)}"{kind}>{escape(cell)}</td>'


def _strip(row: Row) -> str:
    """The interval as a line, the median as a dot, the aim as a mark, on a scale from 0 to 2 around the middle."""
    assert row.ratio is not None
    low, high, middle = (100 * min(value, SCALE) / SCALE for value in (row.ratio.low, row.ratio.high, row.ratio.median))
    aim = "" if row.aim is None else f'<path d="M{100 * row.aim / SCALE:.1f} 2v10" stroke="#e69f00" stroke-width="2"/>'
    return (
        '<td><svg viewBox="0 0 100 14" role="img" aria-label="interval">'
        '<path d="M0 7h100M50 0v14" stroke="#8886"/>'
        f'{aim}<path d="M{low:.1f} 7H{high:.1f}" stroke="#0072b2" stroke-width="4"/>'
        f'<circle cx="{middle:.1f}" cy="7" r="3.5" fill="#0072b2"/></svg></td>'
    )
