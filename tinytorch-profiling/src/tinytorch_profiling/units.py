"""Numbers with their units, as a person reads them: three digits that count, and the unit that fits."""

from __future__ import annotations

import math

from tinytorch_profiling.export.files import printable

TIMES = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns"))
SIZES = ((2.0**40, "TiB"), (2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (1.0, "B"))
COUNTS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))


def time(nanoseconds: float) -> str:
    """Write nanoseconds: 1.23 ms."""
    return _scaled(nanoseconds, TIMES)


def size(nbytes: float) -> str:
    """Write bytes: 1.5 KiB, of 1024 bytes each."""
    return _scaled(nbytes, SIZES)


def count(number: float) -> str:
    """Write a number of things: 2.66 M."""
    return _scaled(number, COUNTS)


def percent(share: float) -> str:
    """Write a share of 1: 12.3 %."""
    return f"{100 * share:.1f} %"


def plain(value: object) -> str:
    """Write anything else: a number with thousands apart, nothing for None."""
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else printable(str(value))


def ratio(value: float) -> str:
    """Write a ratio: 0.85 x."""
    return f"{value:.2f} ×" if value < 100 else f"{value:.0f} ×"


def rate(value: float) -> str:
    """Write a rate whose unit stands above it: 12.3."""
    return f"{value:.3g}"


def _scaled(value: float, units: tuple[tuple[float, str], ...]) -> str:
    try:
        value = float(value)
    except OverflowError:  # a whole number may be any
        return "over 1e308" if value > 0 else "below -1e308"
    if not math.isfinite(value):
        return str(value)
    factor, unit = next((each for each in units if abs(value) >= 0.9995 * each[0]), units[-1])
    scaled = value / factor
    digits = 0 if factor == 1.0 and scaled == int(scaled) else max(0, 2 - int(math.log10(max(abs(scaled), 1.0))))
    return f"{scaled:.{digits}f} {unit}".rstrip()
