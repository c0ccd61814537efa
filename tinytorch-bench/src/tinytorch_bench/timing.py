"""Taking times: each side is warmed up, then all take turns in random order, beside a yardstick, always the same.

A round gives one time of each side, the median of a few measurements. What slows the machine down for a while meets
the yardstick of that round, too, so that times can be told in yardsticks, and compared with those of another day.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from tinytorch_bench import energy, samples

Call = Callable[[], Any]
YARDSTICK_VERSION = 1
SHORTEST = 1e-4  # seconds of a measurement: what is shorter is called several times
FEWEST = 10  # rounds
LONGEST_WARM_UP = 60  # measurements


def yardstick() -> Call:
    """Make the work that times are compared with: a product that fits into a cache, a pass over memory, some Python."""
    generator = np.random.default_rng(0)
    a, b = generator.random((2, 96, 96), np.float32)
    x = generator.random(1 << 16, np.float32)
    product, bent = np.empty_like(a), np.empty_like(x)

    def work() -> int:
        for _ in range(4):
            np.matmul(a, b, out=product)
            np.multiply(x, 0.5, out=bent)
            np.tanh(bent[: 1 << 12], out=bent[: 1 << 12])
        return sum(range(4000))

    return work


@dataclass(frozen=True)
class Timing:
    """How times are taken; the clock and the yardstick are replaced in tests."""

    rounds: int = 40
    seconds: float = 0.02  # of a burst
    seed: int = 0
    clock: Callable[[], float] = time.perf_counter
    yardstick: Call = field(default_factory=yardstick)
    meter: energy.Meter = field(default_factory=energy.find)

    def __post_init__(self) -> None:
        if not isinstance(self.rounds, int) or self.rounds < FEWEST:
            raise ValueError(f"Timing: expected {FEWEST} rounds or more, got {self.rounds}")
        if not 0 <= self.seconds < float("inf"):
            raise ValueError(f"Timing: expected seconds of 0 or more, got {self.seconds}")


class Side(NamedTuple):
    """What is timed, and the block that a burst of it lies in."""

    call: Call
    around: Callable[[], AbstractContextManager[Any]] = nullcontext


@dataclass
class Taken:
    """The times of a side: seconds of a call, in the order of the rounds."""

    seconds: list[float] = field(default_factory=list)
    warm_up: int | None = None  # calls until it was steady; None where it never was
    joules: float = 0.0  # of all bursts
    calls: int = 0  # of all bursts


def interleaved(
    sides: Mapping[str, Side], timing: Timing, progress: Callable[[Iterable[int]], Iterable[int]] = iter
) -> tuple[dict[str, Taken], list[float]]:
    """Give the times of each side, and those of the yardstick, round by round."""
    every = {**sides, "": Side(timing.yardstick)}
    counts, taken = {}, {}
    for name, side in every.items():
        with side.around():
            counts[name], warm = _warmed(side.call, timing.clock)
        taken[name] = Taken(warm_up=warm)
    order = random.Random(timing.seed)
    for _ in progress(range(timing.rounds)):
        for name in order.sample([*every], len(every)):
            with every[name].around():
                _burst(every[name].call, counts[name], timing, taken[name])
    return {name: taken[name] for name in sides}, taken[""].seconds


def _warmed(call: Call, clock: Callable[[], float]) -> tuple[int, int | None]:
    """Call until times are steady: how many calls make a measurement, and how many calls it took."""
    first = _measured(call, 1, clock)
    count = max(1, int(SHORTEST / max(min(first, _measured(call, 1, clock)), 1e-7)))
    times = [_measured(call, count, clock) for _ in range(2 * samples.GROUP)]
    while samples.warm(times) is None and len(times) < LONGEST_WARM_UP:
        times.append(_measured(call, count, clock))
    steady = samples.warm(times)
    return count, None if steady is None else 2 + count * steady


def _burst(call: Call, count: int, timing: Timing, taken: Taken) -> None:
    """Measure for the seconds of a burst, and add the median."""
    before = timing.meter.read()
    times = list(_measurements(call, count, timing))
    taken.joules += timing.meter.joules(before, timing.meter.read())
    taken.calls += count * len(times)
    taken.seconds.append(statistics.median(times))


def _measurements(call: Call, count: int, timing: Timing) -> Iterator[float]:
    """One, and as many more as fit into the seconds of a burst."""
    end = timing.clock() + timing.seconds
    yield _measured(call, count, timing.clock)
    while timing.clock() < end:
        yield _measured(call, count, timing.clock)


def _measured(call: Call, count: int, clock: Callable[[], float]) -> float:
    start = clock()
    for _ in range(count):
        call()
    return (clock() - start) / count
