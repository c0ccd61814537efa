"""The sparsity report as one HTML file that needs nothing else: tables, and curves as drawings in it.

It reads nothing from the network, fits a narrow window and a dark one. Names of layers are text in it, whatever they
are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from tinytorch.replacing import replacing
from tinytorch_compress import tables
from tinytorch_compress.analysis import Layer, Report

STYLE = """
:root { color-scheme: light dark; --rule: #8884; --quiet: light-dark(#5f6368, #a5abb3) }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 70rem; padding: 1.5rem 1rem 3rem;
  background: light-dark(#fff, #161616); color: light-dark(#1a1a1a, #e8e8e8) }
h1 { font-size: 1.6rem; margin: 0; overflow-wrap: anywhere } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums }
th, td { padding: .25rem .75rem; text-align: right; white-space: nowrap } th { font-weight: 500; color: var(--quiet) }
th:first-child, td:first-child { text-align: left; padding-left: 0 } tr + tr { border-top: 1px solid var(--rule) }
p, figcaption, small { color: var(--quiet) } .scroll { overflow-x: auto } .scroll svg, small { display: block }
figure { margin: 0; max-width: 36rem } figure > svg { width: 100%; height: auto } figure text { fill: var(--quiet) }
ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; margin: 0; padding: 0 }
"""
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#808080")  # Okabe and Ito's that white and black set off, 3:1
DASHES = ("none", "7 3", "2 3")  # where there are more lines than colours
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 440, 240, 52, 16, 10, 40
Line = tuple[str, Sequence[tuple[float, float]]]  # its name, and points: shares of 1


def write_html(report: Report, path: str | Path, title: str = "sparsity") -> None:
    """Write the report to a .html file."""
    if Path(path).suffix != ".html":
        raise ValueError(f"write_html: expected a path ending in .html, got {path}")
    with replacing(Path(path)) as file:
        file.write(html(report, title).encode())


def html(report: Report, title: str = "sparsity") -> str:
    """Make the page."""
    parts = [f"<h1>{escape(title)}</h1><p>{escape(_summary(report))}</p>", _layers(report)]
    parts.append("<h2>bytes on the disk</h2><p>The whole state in each format, written and read back equal.</p>")
    parts.append(_table(*tables.storage(report)))
    if report.curve:
        points = [(point.sparsity, point.score) for point in report.curve]
        parts += [_chart("accuracy against sparsity, in one shot", [("all layers", points)])]
        parts += [_table(*tables.curve(report))]
    if report.sensitivity:
        lines = [(each.layer, [*zip(report.sparsities, each.scores, strict=True)]) for each in report.sensitivity]
        parts += [_chart("accuracy when one layer alone is pruned", lines), _table(*tables.sensitivity(report))]
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>"
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n{"".join(parts)}</body></html>\n'


def _summary(report: Report) -> str:
    text = f"{tables.percent(report.sparsity)} of the weights are zero."
    return text if report.cost is None else f"{text} {tables.pass_of(report.cost)}."


def _layers(report: Report) -> str:
    columns, rows = tables.layers(report)
    cells = [[*map(escape, row), _bars(layer)] for row, layer in zip(rows, report.layers, strict=True)]
    told = "Empty is what holds nothing but zeros; 2:4 is the share of four neighbouring inputs of which two are zero."
    return f"<h2>weights</h2><p>{told}</p>{_marked_up([*columns, 'what is not zero'], cells)}"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return _marked_up(columns, [[*map(escape, row)] for row in rows])


def _marked_up(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _bars(layer: Layer) -> str:
    """A histogram as small as two lines of text, with its ends."""
    most = max(layer.counts)
    if not most:
        return "–"
    width = 144 / len(layer.counts)
    bars = "".join(
        f'<rect x="{number * width:.1f}" y="{28 - 28 * count / most:.1f}" width="{width - 1:.1f}" '
        f'height="{28 * count / most:.1f}"/>'
        for number, count in enumerate(layer.counts)
    )
    told = f"{layer.edges[0]:.3g} to {layer.edges[-1]:.3g}"
    svg = f'<svg width="144" height="28" fill="{COLOURS[0]}" role="img" aria-label="histogram, {told}">{bars}</svg>'
    return f"{svg}<small>{told}</small>"


def _chart(title: str, lines: Sequence[Line]) -> str:
    """Lines in a field from 0 to 1 in both directions, and below it which is which."""
    ticks = "".join(
        f'<text x="{_x(share):.0f}" y="{HEIGHT - 24}" text-anchor="middle">{share:.0%}</text>'
        f'<text x="{LEFT - 6}" y="{_y(share) + 4:.0f}" text-anchor="end">{share:.0%}</text>'
        f'<path d="M{LEFT} {_y(share):.0f}H{WIDTH - RIGHT}" stroke="#888" stroke-opacity=".3"/>'
        for share in (0.0, 0.25, 0.5, 0.75, 1.0)
    )
    axes = (
        f'<text x="{_x(0.5):.0f}" y="{HEIGHT - 6}" text-anchor="middle">sparsity</text>'
        f'<text transform="translate(11 {_y(0.5):.0f}) rotate(-90)" text-anchor="middle">accuracy</text>'
    )
    drawn = "".join(_line(number, points) for number, (_, points) in enumerate(lines))
    look = f'viewBox="0 0 {WIDTH} {HEIGHT}" font-size="12" role="img" aria-label="{escape(title)}"'
    legend = (
        f"<figcaption><ul>{''.join(_named(number, name) for number, (name, _) in enumerate(lines))}</ul></figcaption>"
    )
    return f"<h2>{escape(title)}</h2><figure><svg {look}>{ticks}{axes}{drawn}</svg>{legend}</figure>"


def _line(number: int, points: Sequence[tuple[float, float]]) -> str:
    return f'<path d="M{"L".join(f"{_x(x):.1f} {_y(y):.1f}" for x, y in points)}" {_stroke(number)}/>'


def _named(number: int, name: str) -> str:
    """A short piece of a line, and its name."""
    return f'<li><svg width="28" height="8"><path d="M0 4H28" {_stroke(number)}/></svg> {escape(name)}</li>'


def _stroke(number: int) -> str:
    dash = DASHES[number // len(COLOURS) % len(DASHES)]
    return f'fill="none" stroke-width="2" stroke="{COLOURS[number % len(COLOURS)]}" stroke-dasharray="{dash}"'


def _x(share: float) -> float:
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)
