"""The report as a picture: how much each layer lost. It needs the extra `plot`, which brings matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tinytorch_quant.report import Report

EXACT = 100.0  # decibels that are drawn where nothing was lost


def errors(report: Report) -> Figure:
    """Draw a bar for each layer's signal-to-quantization-noise ratio, the first layer at the top."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("the figure needs matplotlib: pip install 'tinytorch-quant[plot]'") from error
    names = [each.layer for each in report.layers]
    figure = Figure(figsize=(7, 1.5 + 0.3 * len(names)), layout="constrained")
    axes = figure.subplots()
    axes.barh(range(len(names)), [min(max(each.sqnr, 0.0), EXACT) for each in report.layers], color="#0072B2")
    axes.set_yticks(range(len(names)), labels=names)
    axes.invert_yaxis()
    axes.set(xlabel="signal to quantization noise, dB", title="What each layer lost")
    axes.grid(visible=True, axis="x", alpha=0.3)
    return figure
