"""Pictures of a recording: roofline, memory over time, latency. They need the extra `plot`, which brings matplotlib.

Each function gives a Figure that belongs to nobody: `figure.savefig("roofline.png")`, or the last line of a notebook's
cell. Colours are those of Okabe and Ito, which colour-blind people tell apart (https://jfly.uni-koeln.de/color/).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch_profiling.events import Recording
from tinytorch_profiling.export.spans import Memory
from tinytorch_profiling.formulas import macs, moved
from tinytorch_profiling.peaks import Machine, machine

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
LABELS = 15  # ops that get their name in a roofline, those that take longest
DOT = 6  # pixels that a label keeps from the middle of a point
UNITS = ((1, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s"))
SIZES = ((1, "bytes"), (2**10, "KiB"), (2**20, "MiB"), (2**30, "GiB"))


@dataclass
class Point:
    """All calls of an op together."""

    op: str
    flops: int = 0
    nbytes: int = 0
    time: int = 0  # nanoseconds


def roofline(recording: Recording, roof: Machine | None = None) -> Figure:
    """Draw each op's FLOP/s against its FLOPs per byte, below what this machine was measured to reach.

    Ops without a formula for their multiply-adds are named, not drawn.
    A point may lie above the slope: its arrays were in a cache, and the slope is that of memory.
    """
    drawn, left = points(recording)
    if not drawn:
        raise ValueError("roofline: expected at least one call of an op with multiply-adds in the recording, got none")
    figure, axes = _axes("arithmetic intensity (FLOP/byte)", "GFLOP/s")
    axes.set(xscale="log", yscale="log", title="Roofline")
    x = [point.flops / point.nbytes for point in drawn]
    y = [point.flops / point.time for point in drawn]  # FLOPs in a nanosecond are GFLOPs in a second
    share = np.array([point.time for point in drawn]) / max(recording.wall, 1)
    axes.scatter(x, y, 30 + 200 * share, color=PALETTE[0], alpha=0.75, linewidths=0, zorder=3)
    notes = _draw_roof(axes, roof or machine(), x, y)
    if left:
        figure.supxlabel(fill(_not_drawn(left), 120), fontsize="small", color="#666")
    places = list(zip(x, y, strict=True))
    _label(figure, axes, [(each.op, place) for each, place in zip(drawn, places, strict=True)][:LABELS], places, notes)
    return figure


def memory(timeline: Memory) -> Figure:
    """Draw the live bytes of each category over time, one upon the other."""
    if not timeline:
        raise ValueError("memory: expected a timeline with at least one moment, got an empty one")
    figure, axes = _axes("", "")
    names = list(dict.fromkeys(name for _, categories in timeline for name in categories))
    bytes_ = np.array([[categories.get(name, 0) for _, categories in timeline] for name in names], dtype=float)
    times = np.array([moment - timeline[0][0] for moment, _ in timeline], dtype=float)
    (second, time_unit), (one, unit) = _unit(times[-1], UNITS), _unit(bytes_.sum(axis=0).max(initial=0), SIZES)
    colours = [PALETTE[place % len(PALETTE)] for place in range(len(names))]
    axes.stackplot(times / second, bytes_ / one, labels=names, colors=colours, step="post", linewidth=0)
    axes.set(xlabel=f"time ({time_unit})", ylabel=f"live memory ({unit})", title="Memory", ylim=(0, None))
    axes.margins(x=0)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="outside right upper", frameon=False)  # in the order they lie
    return figure


def latency(seconds: Sequence[float]) -> Figure:
    """Draw which share of the runs took how long at most, with the median and the slowest tenth and hundredth."""
    runs = np.sort(np.asarray(seconds, dtype=float))
    if not runs.size or not np.isfinite(runs).all():
        raise ValueError("latency: expected one or more finite numbers of seconds")
    nanosecond, unit = _unit(runs[-1] * 1e9, UNITS)
    scale = 1e9 / nanosecond
    figure, axes = _axes(f"time of a run ({unit})", "share of runs (%)")
    axes.ecdf(runs * scale, color=PALETTE[0], linewidth=2)
    axes.set(title=f"Latency of {runs.size:,} {'run' if runs.size == 1 else 'runs'}")
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.0f}")
    for name, quantile, colour in (("median", 50, PALETTE[2]), ("p90", 90, PALETTE[1]), ("p99", 99, PALETTE[5])):
        value = float(np.percentile(runs, quantile)) * scale
        axes.axvline(value, color=colour, linestyle="--", label=f"{name} {value:.4g} {unit}")
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def points(recording: Recording) -> tuple[list[Point], list[str]]:
    """Add up the calls of each op, those that took longest first; and name the ops that cannot be drawn."""
    found: dict[str, Point] = {}
    left: dict[str, None] = {}
    for call in recording.calls:
        count = macs(call)
        if not count or not moved(call) or not call.time:
            left[call.op] = None
            continue
        point = found.setdefault(call.op, Point(call.op))
        point.flops += 2 * count
        point.nbytes += moved(call)
        point.time += call.time
    return sorted(found.values(), key=lambda point: -point.time), [op for op in left if op not in found]


def _axes(x: str, y: str) -> tuple[Figure, Axes]:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("figures need matplotlib: pip install 'tinytorch-profiling[plot]'") from error
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(xlabel=x, ylabel=y)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, alpha=0.25)
    axes.set_axisbelow(True)
    return figure, axes


def _draw_roof(axes: Axes, roof: Machine, x: Sequence[float], y: Sequence[float]) -> list[Any]:
    """Draw what is reachable, wide enough for all points, with both numbers on it; tell the texts."""
    low, high = min([*x, roof.ridge]) / 4, max([*x, roof.ridge]) * 4
    across = [low, roof.ridge, high]
    axes.plot(across, [roof.roof(each) / 1e9 for each in across], color=PALETTE[7], linewidth=1.5, zorder=2)
    axes.set_xlim(low, high)
    axes.set_ylim(min([*y, roof.roof(low) / 1e9]) / 3, max([*y, roof.flops / 1e9]) * 3)
    flat = f"{roof.flops / 1e9:.4g} GFLOP/s, {roof.threads} {'thread' if roof.threads == 1 else 'threads'}"
    start, slope = low * 1.3, roof.bandwidth / 1e9
    return [
        axes.text(high, roof.flops / 1e9 * 1.1, flat, ha="right", va="bottom", color="#444"),
        axes.text(
            start,
            start * slope * 1.15,
            f"{slope:.4g} GB/s",
            color="#444",
            rotation=math.degrees(math.atan(slope)),  # of the line in the data; turned into that on the paper
            rotation_mode="anchor",
            transform_rotates_text=True,
        ),
    ]


def _label(
    figure: Figure,
    axes: Axes,
    labels: Sequence[tuple[str, tuple[float, float]]],
    places: Sequence[tuple[float, float]],
    notes: Sequence[Any],
) -> None:
    """Write names beside their points, each at the nearest place where it covers no other text and no point."""
    figure.draw_without_rendering()  # now the layout is known
    figure.set_layout_engine("none")
    taken = [note.get_window_extent() for note in notes]
    dots = axes.transData.transform(np.asarray(places))
    for name, place in labels:
        text = axes.annotate(name, place, (0, 0), textcoords="offset points", va="center", fontsize="small", zorder=4)
        for distance, (right, up) in product((9, 18, 30, 45, 60, 80), _DIRECTIONS):
            text.set(
                position=(distance * right, distance * up), ha="left" if right > 0 else "right" if right else "center"
            )
            box = text.get_window_extent().padded(1)
            inside = axes.bbox.containsx(box.x0) and axes.bbox.containsx(box.x1)
            if inside and not box.count_overlaps(taken) and not box.padded(DOT).count_contains(dots):
                break
        else:
            text.remove()  # it would cover something wherever it stood
            continue
        if distance > 9:
            axes.annotate(
                "",
                place,
                text.get_position(),
                textcoords="offset points",
                arrowprops={"arrowstyle": "-", "color": "#888"},
            )
        taken.append(box)


_DIRECTIONS = ((1, 0), (1, 0.7), (1, -0.7), (0, 1), (0, -1), (-1, 0.7), (-1, -0.7), (-1, 0))


def _not_drawn(ops: Sequence[str]) -> str:
    shown = ", ".join(ops[:8])
    more = f" and {len(ops) - 8} more" if len(ops) > 8 else ""
    return f"not drawn, for want of multiply-adds or of a formula for them: {shown}{more}"


def _unit(largest: float, units: Sequence[tuple[float, str]]) -> tuple[float, str]:
    """The largest unit that a number is at least one of."""
    return next((each for each in reversed(units) if largest >= each[0]), units[0])
