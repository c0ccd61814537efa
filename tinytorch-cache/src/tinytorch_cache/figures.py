"""The report as a picture: tokens a second against length. It needs the extra `plot`, which brings matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinytorch_cache.report import Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9")  # Okabe and Ito: colour-blind people tell them apart
MARKS = "osD^v"


def rates(rows: list[Row]) -> Figure:
    """Draw a line for each cache; both axes are logarithmic."""
    try:
        from matplotlib.figure import Figure
        from matplotlib.ticker import LogLocator, StrMethodFormatter
    except ImportError as error:
        raise ImportError("the figure needs matplotlib: pip install 'tinytorch-cache[plot]'") from error
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for row, colour, mark in zip(rows, COLOURS, MARKS, strict=False):
        lengths, speeds = zip(*row.rates, strict=True)
        label = "no cache" if row.kind == "none" else f"{row.kind}, {row.measured_bytes or 0:,} bytes"
        axes.plot(lengths, speeds, color=colour, marker=mark, label=label)
    ticks = [rate.length for rate in rows[0].rates]
    axes.set(xscale="log", yscale="log", xlabel="tokens so far", ylabel="tokens/s", title="Tokens a second")
    axes.set_xticks(ticks, labels=[str(tick) for tick in ticks])
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.minorticks_off()
    axes.grid(visible=True, alpha=0.3)
    axes.legend(frameon=False)
    return figure
