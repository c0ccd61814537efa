"""Whether one answer is another: bit for bit, or within an allowed distance.

Numbers that are rounded in another order differ, the more the longer the sums are; a distance that a short sum keeps, a
long one does not. So an answer that is not exact may also be off by a few times the core's own rounding, which is how
far the core in float32 is from the core in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinytorch.plugins import Exactness
from tinytorch.types import Array

ROUNDINGS = 8.0  # times the core's own distance to the exact answer
Precise = Callable[[], Sequence[Any]]  # the answer in float64, made when it is needed


def arrays_of(answer: Any) -> list[Any]:
    """An op's answer as a list: of its arrays, numpy's numbers being such without dimensions, or of what else it is."""
    parts = answer if isinstance(answer, (tuple, list)) else [answer]
    return [np.asarray(each) if isinstance(each, np.generic) else each for each in parts]


def difference(mine: Any, core: Any) -> float:
    """The largest distance between numbers of two answers, in units of the core's largest number, at least 1."""
    pairs = zip(arrays_of(mine), arrays_of(core), strict=False)
    return max((_distance(a, b) for a, b in pairs if _comparable(a, b)), default=0.0)


def mismatch(
    mine: Any, core: Any, allowed: Exactness, precise: Precise | None = None, *, overflows: bool = False
) -> str:
    """Say in words how an answer is not the core's; nothing where it is.

    Where sums overflow, what comes of them depends on their order: nothing is asked of what is close there.
    """
    ours, theirs = arrays_of(core), arrays_of(mine)
    if len(ours) != len(theirs):
        return f"gives {len(theirs)} arrays, the core {len(ours)}"
    for place, (a, b) in enumerate(zip(theirs, ours, strict=True)):
        where = f" in output {place}" if len(ours) > 1 else ""
        if found := _unlike(a, b) or _far(a, b, allowed, place, precise, overflows=overflows):
            return found + where
    return ""


def _unlike(mine: Any, core: Any) -> str:
    """How the two are not of one kind."""
    if not isinstance(core, np.ndarray):
        return "" if mine is core else f"gives {mine!r}, the core {core!r}"
    if type(mine) is not type(core):
        return f"gives {type(mine).__name__}, the core an array"
    if mine.dtype != core.dtype:
        return f"gives {mine.dtype}, the core {core.dtype}"
    if mine.shape != core.shape:
        return f"gives shape {mine.shape}, the core {core.shape}"
    return "gives an array that cannot be written" if core.flags.writeable and not mine.flags.writeable else ""


def _far(mine: Any, core: Any, allowed: Exactness, place: int, precise: Precise | None, *, overflows: bool) -> str:
    """How far apart numbers are that should not be."""
    if not isinstance(core, np.ndarray) or same_bits(mine, core):
        return ""
    if allowed == (0.0, 0.0) or core.dtype.kind != "f":
        return f"is not the core's bit for bit: {_example(mine, core, _different_bits(mine, core))}"
    with np.errstate(all="ignore"):
        finite = np.isfinite(core)
        wrong = finite & ~np.isfinite(mine) if overflows else _kind(core) != _kind(mine)
        if overflows and wrong.any() and precise is not None:  # the core overflowed on its way: to what is finite
            finite &= np.isfinite(mine)
            wrong &= np.abs(precise()[place]) <= np.finfo(core.dtype).max
        if not wrong.any():
            apart, limit = _limits(mine, core, allowed)
            wrong = finite & ~(apart <= limit)
            if wrong.any() and precise is not None:
                wrong &= ~(apart <= limit + ROUNDINGS * _rounding(core, precise()[place]))
    return f"is further from the core than {allowed}: {_example(mine, core, wrong)}" if wrong.any() else ""


def _kind(x: Array) -> Array:
    """0 for numbers, 1 and -1 for inf and -inf, 2 for nan."""
    return np.where(np.isnan(x), 2.0, np.where(np.isinf(x), np.sign(x), 0.0))


def same_bits(mine: Array, core: Array) -> bool:
    """Whether two arrays of one dtype and shape hold the same bits; nan is nan."""
    return not _different_bits(mine, core).any()


def _different_bits(mine: Array, core: Array) -> Array:
    if core.dtype.kind != "f":
        return np.asarray(mine != core)
    whole = np.dtype(f"u{core.itemsize}")
    bits = np.ascontiguousarray(mine).view(whole) != np.ascontiguousarray(core).view(whole)
    return np.asarray(bits.reshape(core.shape) & ~(np.isnan(mine) & np.isnan(core)))


def _limits(mine: Array, core: Array, allowed: Exactness) -> tuple[Array, Array]:
    wide_mine, wide_core = mine.astype(np.float64), core.astype(np.float64)
    return np.abs(wide_mine - wide_core), allowed.atol + allowed.rtol * np.abs(wide_core)


def _rounding(core: Array, precise: Any) -> float:
    """The core's largest distance to the exact answer, of numbers that both have."""
    apart = np.abs(core.astype(np.float64) - np.asarray(precise))
    return float(apart[np.isfinite(apart)].max(initial=0.0))


def _example(mine: Array, core: Array, wrong: Array) -> str:
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    place = f" at {index}" if index else ""
    return f"{mine[index]!s} instead of {core[index]!s}{place}, {int(wrong.sum())} of {core.size} numbers"


def _comparable(mine: Any, core: Any) -> bool:
    same = isinstance(mine, np.ndarray) and isinstance(core, np.ndarray) and mine.shape == core.shape
    return bool(same and core.dtype.kind == mine.dtype.kind == "f")


def _distance(mine: Array, core: Array) -> float:
    with np.errstate(all="ignore"):
        apart = np.abs(mine.astype(np.float64) - core.astype(np.float64))
        sizes = np.abs(core[np.isfinite(core)].astype(np.float64))
    return float(apart[np.isfinite(apart)].max(initial=0.0) / sizes.max(initial=1.0))
