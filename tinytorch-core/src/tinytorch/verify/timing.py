"""Times that can be compared: sides in turn, in random order, and how sure their ratio is.

What disturbs a machine lasts longer than a round, so that it meets both sides. Means are misled by what disturbs one
call, medians are not; how far the median would be elsewhere on another run, a bootstrap tells (Efron 1979), and whether
two sides differ at all when many pairs are compared, a sign test does.
"""

from __future__ import annotations

import math
import random
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinytorch import plugins
from tinytorch.types import Array
from tinytorch.verify.selections import Selection

PARTS = 7  # of a burst
FEWEST = 11  # rounds: enough to tell a difference where up to 50 pairs are compared
RESAMPLES = 2000
CONFIDENCE = 95.0  # per cent
LEAST = 0.02  # of the time; less may be where arrays and code happen to lie (Mytkowicz et al. 2009)


class Interval(NamedTuple):
    """A number and where it lies with 95 % confidence."""

    value: float
    low: float
    high: float


class Side(NamedTuple):
    """What is timed, and with which plugins: kernels call ops, too."""

    call: Callable[[], Any]
    selection: Selection = ()


def interleaved(sides: Sequence[Side], rounds: int, seconds: float, seed: int) -> Array:
    """Give seconds a call (sides, rounds): each round asks every side for a burst of calls, `seconds` are for all.

    There are as many rounds as asked for, or fewer where even single calls take too long.
    """
    once = [_once(side) for side in sides]
    rounds = min(rounds, max(FEWEST, int(seconds / sum(once))))
    counts = [max(1, int(seconds / (rounds * len(sides) * each))) for each in once]
    times = np.empty((len(sides), rounds))
    order = random.Random(seed)
    for turn in range(rounds):
        for place in order.sample(range(len(sides)), len(sides)):
            times[place, turn] = _burst(sides[place], counts[place])
    return times


def _once(side: Side) -> float:
    """How long a call takes, after one to warm up."""
    _burst(side, 1)
    return max(_burst(side, 1), 1e-7)


def _burst(side: Side, calls: int) -> float:
    """Seconds a call: the median of some parts, since who takes the processor away for a while meets few of them."""
    parts = min(PARTS, calls)
    with plugins.using(*side.selection):
        return statistics.median(_seconds(side.call, calls // parts) for _ in range(parts))


def _seconds(call: Callable[[], Any], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count


def ratio(mine: Array, core: Array, seed: int) -> Interval:
    """The median of the ratios of two sides (rounds,): what slows a whole round down slows both."""
    return median(mine / core, seed)


def verdict(mine: Array, core: Array, comparisons: int) -> str:
    """Say what the times of two sides (rounds,) show: that one takes 2 % less, or nothing, by the sign test.

    Were the median of the ratios 0.98, half of the rounds would be below it (Dixon and Mood 1946). So many more must be
    that of all comparisons of equals, taken together, one in twenty errs, and not of each (Bonferroni; Dunn 1961).
    """
    ratios, error = mine / core, 1 - CONFIDENCE / 100
    if 2 * comparisons * _chance(len(ratios), len(ratios)) > error:
        return "too few rounds to tell"
    for word, beyond in (("faster", ratios < 1 - LEAST), ("slower", ratios > 1 + LEAST)):
        if 2 * comparisons * _chance(int(beyond.sum()), len(beyond)) <= error:
            return word
    return "no difference shown"


def _chance(heads: int, tosses: int) -> float:
    """How probable so many heads, or more, are."""
    return sum(math.comb(tosses, k) for k in range(heads, tosses + 1)) / 2**tosses


def median(numbers: Array, seed: int) -> Interval:
    """The median of numbers (rounds,), and the percentiles of the medians of rounds drawn with replacement."""
    drawn = np.random.default_rng(seed).integers(0, len(numbers), (RESAMPLES, len(numbers)))
    tail = (100.0 - CONFIDENCE) / 2
    low, high = np.percentile(np.median(numbers[drawn], axis=1), [tail, 100.0 - tail])
    return Interval(float(np.median(numbers)), float(low), float(high))
