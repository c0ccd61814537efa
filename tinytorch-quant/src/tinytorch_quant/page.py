"""The report as one HTML page that needs nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinytorch_quant.report import Report

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:1rem 0;display:block;overflow-x:auto}"
    "th,td{padding:.25rem .75rem;text-align:right;border-bottom:1px solid #ddd;font-variant-numeric:tabular-nums}"
    "th:first-child,td:first-child{text-align:left}.bar{display:inline-block;height:.7rem;background:#0072B2}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}th,td{border-color:#444}}"
)
FULL_BAR = 60.0  # decibels


def html(report: Report, title: str) -> str:
    """Write the page: sizes, scores, time, the layers' errors and, where it was scanned, their sensitivity."""
    parts = [
        f"<h1>{escape(title)}</h1>",
        _table(("", "float32", "quantized", "ratio"), overview(report)),
        f"<p>Measured time: {escape(report.speed)}.</p>",
        f"<p>{escape(floats(report))}</p>",
        "<h2>What each layer lost</h2>",
        _table(("layer", "SQNR", "cosine", "largest error", ""), _layers(report), raw=4),
    ]
    if report.sensitivity:
        names = [*next(iter(report.sensitivity.values()))]
        rows = [(layer, *[f"{scores[name]:.4f}" for name in names]) for layer, scores in report.sensitivity.items()]
        parts += ["<h2>One layer quantized at a time</h2>", _table(("layer", *names), rows)]
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>\n'
        f"<body>\n{body}\n</body></html>\n"
    )


def overview(report: Report) -> list[tuple[str, ...]]:
    """Rows of sizes, scores and time: what, float, quantized, ratio."""
    rows: list[tuple[str, ...]] = [
        (f"bytes {where}", f"{pair[0]:,}", f"{pair[1]:,}", f"{pair[1] / pair[0]:.3f}")
        for where, pair in (("on disk", report.disk), ("in memory", report.memory))
    ]
    before, after = report.scores
    rows += [(name, f"{before[name]:.4f}", f"{after[name]:.4f}", "") for name in before]
    times = [f"{1e3 * each:.2f} ms" for each in report.seconds]
    return [*rows, (f"time, batch {report.batch}", *times, f"{report.seconds[1] / report.seconds[0]:.2f}")]


def layer_rows(report: Report) -> list[tuple[str, ...]]:
    """Rows of the layers: name, SQNR in decibels, cosine, largest error."""
    return [
        (each.layer, f"{each.sqnr:.1f} dB", f"{each.cosine:.6f}", f"{each.max_error:.4g}") for each in report.layers
    ]


def floats(report: Report) -> str:
    """Say what was left in float."""
    return (
        f"Left in float: {', '.join(report.left_in_float)}." if report.left_in_float else "No layer is left in float."
    )


def _layers(report: Report) -> list[tuple[str, ...]]:
    bars = []
    for each in report.layers:
        share = min(max(each.sqnr, 0.0), FULL_BAR) / FULL_BAR if not math.isnan(each.sqnr) else 0.0
        bars.append(f'<span class="bar" style="width:{8 * share:.2f}rem"></span>')
    return [(*row, bar) for row, bar in zip(layer_rows(report), bars, strict=True)]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], raw: int | None = None) -> str:
    """A table; the column `raw` holds HTML of our own."""
    titles = "".join(f"<th>{escape(each)}</th>" for each in head)
    lines = [
        "".join(f"<td>{each if place == raw else escape(each)}</td>" for place, each in enumerate(row)) for row in rows
    ]
    return f"<table><tr>{titles}</tr>\n" + "\n".join(f"<tr>{line}</tr>" for line in lines) + "</table>"
