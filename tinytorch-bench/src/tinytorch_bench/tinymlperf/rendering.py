"""Results to read: a table for a terminal, Markdown, and one HTML page that needs nothing else."""

from __future__ import annotations

from html import escape

from tinytorch_bench.peers.rendering import STYLE
from tinytorch_bench.tinymlperf.result import NOTICE, Report, Result
from tinytorch_bench.tinymlperf.tasks import AUC

COLUMNS = [
    *("task", "model", "quality", "target", "reached", "samples/s", "90 % of latencies", "median", "measured by"),
    "by the rules",
]
TITLE = "The tasks of MLPerf Tiny"


def rows(report: Report) -> list[list[str]]:
    """A row for each task that was run."""
    return [_row(result) for result in report.results if result.performance is not None]


def _row(result: Result) -> list[str]:
    found, measured = result.quality, result.performance
    assert measured is not None
    return [
        f"{result.task.name}, {result.precision}, {result.scenario}",
        f"{result.model} ({result.digest[:8]})",
        "not measured" if found is None else _share(result, found.value),
        _share(result, result.task.target),
        {True: "yes", False: "no", None: "-"}[result.reached],
        f"{measured.throughput:.4g}",
        *(_milliseconds(measured.p90), _milliseconds(measured.median), measured.measured_by),
        "no" if result.breaches else "yes, but unverified",
    ]


def _share(result: Result, value: float) -> str:
    return f"{value:.4f} AUC" if result.task.metric == AUC else f"{100 * value:.1f} % {result.task.metric}"


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{1e3 * seconds:.3f} ms"


def remarks(report: Report) -> list[str]:
    """Say of each task what the table does not: why it was not run or judged, what was judged, what broke the rules."""
    told = []
    for result in report.results:
        name, found = result.task.name, result.quality
        if result.told:
            told.append(f"{name}: not run: {result.told}")
            continue
        told.append(
            f"{name}: accuracy: not measured, {result.unjudged}"
            if found is None
            else f"{name}: judged by {found.files} of {found.source}"
        )
        if result.breaches:
            told.append(f"{name}: not by the rules: {'; '.join(result.breaches)}")
        own = result.performance and result.performance.own_p90
        if own:
            told.append(f"{name}: our clock in the same run says {_milliseconds(own)} for 90 % of latencies")
    return told


def noisy(report: Report) -> list[str]:
    """Say what disturbed."""
    return [f"this machine is too noisy to judge: {warning}" for warning in report.warnings]


def facts(report: Report) -> dict[str, str]:
    """What was measured, and where."""
    return {**report.machine, "plugins": ", ".join(report.plugins) or "none, the core alone", "result": NOTICE}


def markdown(report: Report) -> str:
    """The results as Markdown."""
    head = [f"- {name}: {value}" for name, value in facts(report).items()]
    table = [f"| {' | '.join(row)} |" for row in (COLUMNS, ["---"] * len(COLUMNS), *rows(report))]
    notes = [f"- {text}" for text in (*noisy(report), *remarks(report))]
    return "\n\n".join([f"# {TITLE}", "\n".join(head), "\n".join(table), "\n".join(notes)]) + "\n"


def html(report: Report) -> str:
    """The results as one HTML page, without scripts and without anything from elsewhere."""
    told = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts(report).items())
    warnings = "".join(f'<p class="warning">{escape(text)}</p>' for text in noisy(report))
    notes = "".join(f"<p>{escape(text)}</p>" for text in remarks(report))
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in (COLUMNS[0], *COLUMNS[2:]))
    body = "".join(_html_row(row) for row in rows(report))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{TITLE}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body>\n<h1>{TITLE}</h1><dl>{told}</dl>{warnings}\n"
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>\n{notes}'
        "</body></html>\n"
    )


def _html_row(cells: list[str]) -> str:
    """The model stands below the task."""
    named = f'<th scope="row">{escape(cells[0])}<small>{escape(cells[1])}</small></th>'
    rest = "".join(_html_cell(column, cell) for column, cell in zip(COLUMNS[2:], cells[2:], strict=True))
    return f"<tr>{named}{rest}</tr>\n"


def _html_cell(column: str, cell: str) -> str:
    kind = f' class="{cell}"' if column == "reached" and cell != "-" else ""
    return f'<td data-head="{escape(column)}"{kind}>{escape(cell)}</td>'
