"""The Pareto front as a picture: size × quality × latency. It needs the extra `plot`, which brings matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tinytorch_bench.pareto import Point, front

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BEST, OTHERS = "#0072B2", "#999999"  # Okabe and Ito's blue, and grey: told apart by everybody, and by shape besides
LEAST_AREA, MOST_AREA = 30.0, 600.0  # square points, of the fastest and the slowest


def pareto(given: Sequence[Point], quality: str = "accuracy") -> Figure:
    """Draw size against quality, a mark's area being its latency; those that nothing dominates are full and joined."""
    try:
        from matplotlib.figure import Figure
        from matplotlib.ticker import FuncFormatter, NullFormatter
    except ImportError as error:
        raise ImportError("the figure needs matplotlib: pip install 'tinytorch-bench[plot]'") from error
    if not given:
        raise ValueError("pareto: expected one point or more, got none")
    figure = Figure(figsize=(7.5, 5), layout="constrained")
    axes = figure.subplots()
    best = front(given)
    slowest = max(point.seconds for point in given)
    axes.plot(*zip(*[(point.bytes, point.quality) for point in best], strict=True), color=BEST, alpha=0.5, zorder=1)
    for point in given:
        area = LEAST_AREA + (MOST_AREA - LEAST_AREA) * point.seconds / slowest
        colour = BEST if point in best else OTHERS
        face = colour if point in best else "none"
        axes.scatter(point.bytes, point.quality, s=area, edgecolors=colour, facecolors=face, alpha=0.75, zorder=2)
        axes.annotate(
            f"{point.model}\n{1e6 * point.seconds:,.0f} µs",
            (point.bytes, point.quality),
            textcoords="offset points",
            xytext=(0, -(area**0.5) / 2 - 6),
            ha="center",
            va="top",
            fontsize=9,
        )
    axes.set(xscale="log", xlabel="size in bytes", ylabel=quality, title="Size, quality and latency (area)")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:,.0f}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(0.2, 0.25)
    axes.grid(visible=True, alpha=0.3)
    return figure
