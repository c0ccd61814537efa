"""The report to read: Markdown, and one HTML file that needs nothing else."""

from __future__ import annotations

from html import escape

from tinytorch.verify.report import Report, Row, Section

COLUMNS = ("what", "outcome", "largest difference", "detail")
STYLE = """
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; table-layout: fixed; width: 100%; margin: .5rem 0 2rem }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #8884 }
th:nth-child(1) { width: 30% } th:nth-child(2) { width: 5.5rem } th:nth-child(3) { width: 6rem }
td { overflow-wrap: break-word } td:nth-child(3) { font-variant-numeric: tabular-nums }
.passed { color: light-dark(#17803d, #5fce8b) } .failed { color: light-dark(#c62828, #ff8a80); font-weight: 600 }
.skipped, .measured, dt { color: light-dark(#666, #aaa) }
header p { font-size: 1.15rem } dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem }
dd { margin: 0 }
@media (max-width: 45rem) {
  thead, td:empty { display: none }
  tr { display: block; padding: .5rem 0; border-bottom: 1px solid #8884 }
  td { display: block; padding: 0; border: 0 } td:nth-child(1) { font-weight: 600 }
  td:nth-child(3)::before { content: "largest difference: " }
}
"""


def cells(row: Row) -> tuple[str, str, str, str]:
    """A row as text, in the order of COLUMNS."""
    return row.name, row.outcome, distance(row.difference), row.detail


def distance(difference: float | None) -> str:
    """A difference as a person reads it: nothing where there is none to tell, 0 where all bits are equal."""
    return "" if difference is None else "0" if difference == 0.0 else f"{difference:.1e}"


def markdown(report: Report) -> str:
    """The report as Markdown."""
    facts = "\n".join(f"- {name}: {value}" for name, value in report.environment.items())
    sections = "\n\n".join(_markdown_section(section) for section in report.sections)
    return f"# tinytorch verify\n\n**{report.summary()}**\n\n{facts}\n\n{sections}\n"


def _markdown_section(section: Section) -> str:
    head = f"## {section.title}\n\n{section.shows}\n\n| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}"
    lines = [f"| {' | '.join(_in_cell(cell) for cell in cells(row))} |" for row in section.rows]
    return "\n".join([head, *lines])


def _in_cell(text: str) -> str:
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|")


def html(report: Report) -> str:
    """The report as one HTML file, without scripts and without anything from elsewhere."""
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in report.environment.items())
    verdict = "passed" if report.passed else "failed"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>tinytorch verify</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body>\n"
        f'<header><h1>tinytorch verify</h1><p class="{verdict}">{escape(report.summary())}</p>'
        f"<dl>{facts}</dl></header>\n{''.join(map(_html_section, report.sections))}</body></html>\n"
    )


def _html_section(section: Section) -> str:
    head = "".join(f"<th>{column}</th>" for column in COLUMNS)
    body = "".join(map(_html_row, section.rows))
    return (
        f"<section><h2>{escape(section.title)}</h2><p>{escape(section.shows)}</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></section>\n"
    )


def _html_row(row: Row) -> str:
    name, outcome, difference, detail = map(escape, cells(row))
    return f'<tr><td>{name}</td><td class="{outcome}">{outcome}</td><td>{difference}</td><td>{detail}</td></tr>\n'
