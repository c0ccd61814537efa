"""Times that can be compared: sides in turn, in random order, and how sure their ratio is.

What disturbs a machine lasts longer than a round, so that it meets both sides. Means are misled by what disturbs one
call, medians are not; how far the median would be elsewhere on another run, a bootstrap tells (Efron 1979).
"""

from __future__ import annotations

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
FEWEST = 7  # rounds, of which the middle is still one
RESAMPLES = 2000
CONFIDENCE = 95.0  # per cent


class Interval(NamedTuple):
    """A number and where it lies with 95 % confidence."""

    value: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """What a ratio of times shows."""
        if self.high < 1.0:
            return "faster"
        return "slower" if self.low > 1.0 else "no difference shown"


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


def median(numbers: Array, seed: int) -> Interval:
    """The median of numbers (rounds,), and the percentiles of the medians of rounds drawn with replacement."""
    drawn = np.random.default_rng(seed).integers(0, len(numbers), (RESAMPLES, len(numbers)))
    tail = (100.0 - CONFIDENCE) / 2
    low, high = np.percentile(np.median(numbers[drawn], axis=1), [tail, 100.0 - tail])
    return Interval(float(np.median(numbers)), float(low), float(high))
