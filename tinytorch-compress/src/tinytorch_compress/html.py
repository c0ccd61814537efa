"""The sparsity report as one HTML file that needs nothing else: tables, and curves as drawings in it.

It reads nothing from the network. Names of layers are text in it, whatever they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from tinytorch.replacing import replacing
from tinytorch_compress.analysis import Layer, Report

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1a1a1a }
table { border-collapse: collapse; margin: 1rem 0 } th, td { padding: .25rem .75rem; text-align: right }
th:first-child, td:first-child { text-align: left } tr + tr { border-top: 1px solid #ddd }
caption { text-align: left; color: #555 } .scroll { overflow-x: auto } svg { max-width: 100%; height: auto }
@media (prefers-color-scheme: dark) { body { background: #161616; color: #e8e8e8 } tr + tr { border-color: #444 }
caption { color: #aaa } }
"""
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")  # Okabe and Ito's: told apart by all
WIDTH, HEIGHT, EDGE = 640, 260, 44
Line = tuple[str, Sequence[tuple[float, float]]]  # its name, and points: shares of 1


def write_html(report: Report, path: str | Path, title: str = "sparsity") -> None:
    """Write the report to a .html file."""
    if Path(path).suffix != ".html":
        raise ValueError(f"write_html: expected a path ending in .html, got {path}")
    with replacing(Path(path)) as file:
        file.write(html(report, title).encode())


def html(report: Report, title: str = "sparsity") -> str:
    """Make the page."""
    parts = [f"<h1>{escape(title)}</h1><p>{_summary(report)}</p>", _layers(report.layers)]
    parts.append(_table("bytes of the whole state on the disk, read back equal", *storage_rows(report)))
    if report.curve:
        points = [(point.sparsity, point.score) for point in report.curve]
        parts.append(_chart("accuracy against sparsity, in one shot", [("all layers", points)]))
    if report.sensitivity:
        lines = [(each.layer, [*zip(report.sparsities, each.scores, strict=True)]) for each in report.sensitivity]
        parts.append(_chart("accuracy when one layer alone is pruned", lines))
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    return (
        f'<!doctype html><html lang="en"><head>{head}<style>{STYLE}</style></head><body>{"".join(parts)}</body></html>'
    )


def storage_rows(report: Report) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of the table of formats."""
    dense = report.storage[0].bytes
    rows = [
        [each.format, f"{each.bytes:,}", f"{dense / each.bytes:.2f}×", str(each.used_for)] for each in report.storage
    ]
    return ["format", "bytes", "smaller", "tensors in it"], rows


def layer_rows(layers: Iterable[Layer]) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of the table of layers."""
    columns = ["weight", "shape", "size", "zeros", "empty outputs", "empty inputs", "2:4"]
    rows = [
        [
            layer.name,
            " × ".join(map(str, layer.shape)),
            f"{layer.size:,}",
            f"{100 * layer.sparsity:.2f} %",
            f"{layer.zero_outputs} of {layer.shape[0]}",
            f"{layer.zero_inputs} of {layer.shape[1]}",
            "–" if layer.two_of_four is None else f"{100 * layer.two_of_four:.1f} %",
        ]
        for layer in layers
    ]
    return columns, rows


def _summary(report: Report) -> str:
    text = f"{100 * report.sparsity:.2f} % of the weights are zero."
    counted = report.arithmetic
    if counted is not None:
        text += (
            f" A forward pass takes {counted.macs:,} MACs, {counted.nonzero:,} of them by a weight that is not zero."
        )
        if counted.unknown:
            text += f" Not counted are {', '.join(counted.unknown)}."
    return escape(text)


def _layers(layers: Sequence[Layer]) -> str:
    columns, rows = layer_rows(layers)
    caption = "weights; 2:4 is the share of four neighbouring inputs of which two are zero; what is not zero, drawn"
    cells = [[*map(escape, row), _bars(layer)] for row, layer in zip(rows, layers, strict=True)]
    return _marked_up(caption, [*columns, "histogram"], cells)


def _table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return _marked_up(caption, columns, [[*map(escape, row)] for row in rows])


def _marked_up(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><caption>{escape(caption)}</caption><tr>{head}</tr>{body}</table></div>'


def _bars(layer: Layer) -> str:
    """A histogram as small as a line of text."""
    most = max(*layer.counts, 1)
    width = 144 / len(layer.counts)
    bars = "".join(
        f'<rect x="{number * width:.1f}" y="{28 - 28 * count / most:.1f}" width="{width - 1:.1f}" '
        f'height="{28 * count / most:.1f}" fill="{COLOURS[0]}"/>'
        for number, count in enumerate(layer.counts)
    )
    told = f"from {layer.edges[0]:.3g} to {layer.edges[-1]:.3g}"
    return f'<svg width="144" height="28" role="img" aria-label="{told}"><title>{told}</title>{bars}</svg>'


def _chart(title: str, lines: Sequence[Line]) -> str:
    """Lines in a square from 0 to 1 in both directions, and the same numbers as a table."""
    drawn = "".join(_line(number, points) for number, (_, points) in enumerate(lines))
    legend = "".join(
        f'<text x="{WIDTH + 8}" y="{EDGE + 16 * number}" fill="{COLOURS[number % len(COLOURS)]}">{escape(name)}</text>'
        for number, (name, _) in enumerate(lines)
    )
    ticks = "".join(
        f'<text x="{_x(share):.0f}" y="{HEIGHT - 20}" text-anchor="middle">{share:.0%}</text>'
        f'<text x="{EDGE - 6}" y="{_y(share) + 4:.0f}" text-anchor="end">{share:.0%}</text>'
        f'<path d="M{_x(0):.0f} {_y(share):.0f}H{_x(1):.0f}" stroke="#888" stroke-opacity=".3"/>'
        for share in (0.0, 0.25, 0.5, 0.75, 1.0)
    )
    size = f'viewBox="0 0 {WIDTH + 140} {max(HEIGHT, EDGE + 16 * len(lines))}" width="{WIDTH + 140}"'
    look = f'font-size="12" fill="currentColor" role="img" aria-label="{escape(title)}"'
    svg = f"<svg {size} {look}>{ticks}{drawn}{legend}</svg>"
    columns = ["pruned", *[f"{x:.1%}" for x, _ in lines[0][1]]]
    return f"<h2>{escape(title)}</h2>{svg}" + _table(
        "the same in numbers", columns, [[name, *[f"{y:.2%}" for _, y in points]] for name, points in lines]
    )


def _line(number: int, points: Sequence[tuple[float, float]]) -> str:
    path = "L".join(f"{_x(x):.1f} {_y(y):.1f}" for x, y in points)
    return f'<path d="M{path}" fill="none" stroke-width="2" stroke="{COLOURS[number % len(COLOURS)]}"/>'


def _x(share: float) -> float:
    return EDGE + share * (WIDTH - 2 * EDGE)


def _y(share: float) -> float:
    return HEIGHT - EDGE - share * (HEIGHT - 1.5 * EDGE)
