"""Times that can be compared: sides in turn, in random order, and how sure their ratio is.

What disturbs a machine lasts longer than a round, so that it meets both sides. Means are misled by what disturbs one
call, medians are not; how far the median would be elsewhere on another run, a bootstrap tells (Efron 1979).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinytorch.types import Array

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


def interleaved(calls: Sequence[Callable[[], Any]], rounds: int, burst: float, seed: int) -> Array:
    """Give seconds a call (sides, rounds): each round asks every side for a burst of about so many seconds."""
    counts = [_count(call, burst) for call in calls]
    seconds = np.empty((len(calls), rounds))
    order = random.Random(seed)
    for turn in range(rounds):
        for side in order.sample(range(len(calls)), len(calls)):
            seconds[side, turn] = _seconds(calls[side], counts[side])
    return seconds


def _count(call: Callable[[], Any], burst: float) -> int:
    """How many calls fill a burst, after one to warm up."""
    call()
    return max(1, int(burst / max(_seconds(call, 2), 1e-9)))


def _seconds(call: Callable[[], Any], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count


def ratio(mine: Array, core: Array, seed: int) -> Interval:
    """The ratio of the medians of two sides, (rounds,) each; rounds are drawn in pairs, as they were timed."""
    drawn = _draws(len(core), seed)
    ratios = np.median(mine[drawn], axis=1) / np.median(core[drawn], axis=1)
    return _interval(float(np.median(mine) / np.median(core)), ratios)


def median(seconds: Array, seed: int) -> Interval:
    """The median of times (rounds,)."""
    return _interval(float(np.median(seconds)), np.median(seconds[_draws(len(seconds), seed)], axis=1))


def _draws(rounds: int, seed: int) -> Array:
    """Rounds drawn with replacement, (resamples, rounds)."""
    return np.random.default_rng(seed).integers(0, rounds, (RESAMPLES, rounds))


def _interval(value: float, resampled: Array) -> Interval:
    tail = (100.0 - CONFIDENCE) / 2
    low, high = np.percentile(resampled, [tail, 100.0 - tail])
    return Interval(value, float(low), float(high))
