"""The runner by the rules: one input after the other, windows of at least ten seconds, five of them, the median counts.

A window repeats one input that was made ready before it began, as MLPerf Tiny's runner does (`infer` in its script.py).
Offline, an input is a batch. Accuracy and performance ask the same system in the same way.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tinytorch.types import Array
from tinytorch_bench.tinymlperf.systems import System

WINDOWS, SECONDS = 5, 10.0
PERCENTILE = 0.9  # of the latencies that are told


@dataclass(frozen=True)
class Rules:
    """How long is measured."""

    windows: int = WINDOWS
    seconds: float = SECONDS  # of a window, at least
    warm_up: float = 1.0  # seconds before the first window
    files: int | None = None  # samples that are judged, all if None

    def breaches(self) -> list[str]:
        """Say what of it the rules do not allow."""
        short = self.windows < WINDOWS or self.seconds < SECONDS
        return [f"{self.windows} windows of {self.seconds:g} s instead of {WINDOWS} of {SECONDS:g} s"] if short else []


OFFICIAL = Rules()
QUICK = Rules(windows=3, seconds=0.3, warm_up=0.1, files=100)


class Window(NamedTuple):
    """What one window measured."""

    inferences: int  # samples that were answered
    seconds: float
    latencies: Array  # seconds of each call

    @property
    def throughput(self) -> float:
        """Samples a second."""
        return self.inferences / self.seconds


@dataclass(frozen=True)
class Performance:
    """What all windows measured."""

    throughput: float  # samples a second, median of the windows
    windows: list[dict[str, Any]]
    p90: float | None = None  # seconds of a call; offline there is no such thing
    median: float | None = None
    measured_by: str = "tinytorch_bench"
    own_p90: float | None = None  # by our clock, where LoadGen measured

    @classmethod
    def of(cls, windows: Sequence[Window]) -> Performance:
        """Sum up."""
        told = [
            {"inferences": window.inferences, "seconds": window.seconds, "throughput": window.throughput}
            for window in windows
        ]
        middle = statistics.median(window.throughput for window in windows)
        if any(window.inferences != len(window.latencies) for window in windows):
            return cls(middle, told)
        latencies = np.concatenate([window.latencies for window in windows])
        return cls(middle, told, percentile(latencies, PERCENTILE), percentile(latencies, 0.5))


def percentile(values: Array, share: float) -> float:
    """Give the smallest value that at least this share of all does not exceed (nearest rank)."""
    return float(np.sort(values)[max(0, math.ceil(share * len(values)) - 1)])


def performance(
    system: System, inputs: Array, rules: Rules, batch: int = 1, clock: Callable[[], float] = time.perf_counter
) -> Iterator[Window]:
    """Give the windows one by one; window i asks about the i-th of the inputs (n, *shape), or their i-th batch."""
    groups = [np.take(inputs, range(i * batch, (i + 1) * batch), axis=0, mode="wrap") for i in range(rules.windows)]
    _window(system.infer, system.prepare(groups[0]), rules.warm_up, batch, clock)
    for group in groups:
        yield _window(system.infer, system.prepare(group), rules.seconds, batch, clock)


def _window(
    infer: Callable[[object], object], given: object, seconds: float, batch: int, clock: Callable[[], float]
) -> Window:
    """Ask again and again until the time is over."""
    latencies: list[float] = []
    begin = now = clock()
    while now - begin < seconds or not latencies:
        infer(given)
        before, now = now, clock()
        latencies.append(now - before)
    return Window(batch * len(latencies), now - begin, np.array(latencies))


def answers(system: System, inputs: Array, batch: int = 1) -> Iterator[Array]:
    """Ask about all inputs (n, *shape), so many at a time, as performance is measured: (batch, outputs) each time."""
    for start in range(0, len(inputs), batch):
        yield system(inputs[start : start + batch])
