"""The report as a picture: what is zero, and what that costs. It needs the extra `plot`, which brings matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinytorch_compress.analysis import Report
from tinytorch_compress.html import COLOURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARKS = "osD^vP"


def overview(report: Report) -> Figure:
    """Draw sparsity by layer, and as far as they were measured the curve and each layer's sensitivity."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("the figure needs matplotlib: pip install 'tinytorch-compress[plot]'") from error
    parts = [_zeros, *([_curve] if report.curve else []), *([_sensitivity] if report.sensitivity else [])]
    figure = Figure(figsize=(5.5 * len(parts), 4.2), layout="constrained")
    for draw, axes in zip(parts, figure.subplots(1, len(parts), squeeze=False)[0], strict=True):
        draw(axes, report)
        axes.grid(visible=True, alpha=0.3)
    return figure


def _zeros(axes: Any, report: Report) -> None:
    axes.barh([layer.name for layer in report.layers], [layer.sparsity for layer in report.layers], color=COLOURS[0])
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel="share of zeros", title=f"{report.sparsity:.1%} of all weights are zero")


def _curve(axes: Any, report: Report) -> None:
    axes.plot(*zip(*report.curve, strict=True), color=COLOURS[0], marker=MARKS[0])
    axes.set(xlabel="sparsity", ylabel="accuracy", title="All layers pruned, in one shot")


def _sensitivity(axes: Any, report: Report) -> None:
    for number, each in enumerate(report.sensitivity):
        style = {"color": COLOURS[number % len(COLOURS)], "marker": MARKS[number % len(MARKS)]}
        axes.plot(report.sparsities, each.scores, label=each.layer, **style)
    axes.set(xlabel="sparsity of that layer", ylabel="accuracy", title="One layer pruned alone")
    axes.legend(frameon=False)
