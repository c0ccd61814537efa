"""Whether the machine is quiet enough to judge: who else computes, and how evenly a fixed loop runs."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence

LOAD = 0.5  # processors that others keep busy
SPREAD = 0.10  # of a loop's time
LOOPS, ROUNDS = 60_000, 150  # about 1 ms each


def warnings(clock: Callable[[], float] = time.perf_counter) -> list[str]:
    """Say what disturbs, in a sentence each."""
    found = []
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > LOAD:
        found.append(f"the load average is {load:.1f} on {processors()} processors: others compute here, too")
    uneven = unevenness(loop_times(clock))
    if uneven > SPREAD:
        found.append(f"one in ten runs of a fixed loop takes {100 * uneven:.0f} % longer than half of them")
    return found


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def loop_times(clock: Callable[[], float]) -> list[float]:
    """Time the same small loop again and again."""
    times = []
    for _ in range(ROUNDS):
        start = clock()
        sum(range(LOOPS))
        times.append(clock() - start)
    return times


def unevenness(times: Sequence[float]) -> float:
    """By what part of the median the slowest tenth is slower, at least."""
    return statistics.quantiles(times, n=10)[-1] / statistics.median(times) - 1
