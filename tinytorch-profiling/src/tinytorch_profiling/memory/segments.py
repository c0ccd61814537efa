"""Segments: from one reading of the meter to the next, and the most that there was of each category.

What is alive at a segment's higher end, and how far its peak lies above that, make up the most that there was in it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter_ns

from tinytorch_profiling.events import Call
from tinytorch_profiling.memory.allocations import CATEGORIES, OTHER, WORKSPACE, Allocations
from tinytorch_profiling.memory.meter import Meter

NEARLY = 1.01  # as much above the peak in an op still is that op's: Python's objects around what it leaves


@dataclass(slots=True, eq=False)
class MemoryCall:
    """What one call of an op did to memory; bytes above those at the beginning of the block."""

    call: Call
    before: int
    after: int = 0
    peak: int = 0

    @property
    def net(self) -> int:
        """Bytes held after it that were not before."""
        return self.after - self.before

    @property
    def workspace(self) -> int:
        """Bytes that it needed for a while, above what was there before and what is there after."""
        return self.peak - max(self.before, self.after)


class Segments:
    """All segments, the highest of them, and the call that had it; it belongs into sections of the meter."""

    def __init__(self, meter: Meter, allocations: Allocations) -> None:
        self.meter, self.allocations = meter, allocations
        self.peak: tuple[int, ...] = (0,) * len(CATEGORIES)
        self.peak_call: MemoryCall | None = None
        self.total_peak = 0
        self._noted = array("q")  # from when on, and the most by category: numbers alone, new tuples would be seen
        self._peak_in_call = 0
        self._state: tuple[int, ...] = self.peak
        self._since = 0
        self._given_back = 0

    def begin(self) -> None:
        """Count from here."""
        self.total_peak = sum(self.allocations.held)
        self._since = perf_counter_ns()

    def timeline(self) -> Iterator[tuple[int, tuple[int, ...]]]:
        """From when on, and the most there was."""
        size = 1 + len(CATEGORIES)
        for start in range(0, len(self._noted), size):
            yield self._noted[start], tuple(self._noted[start + 1 : start + size])

    @property
    def total(self) -> int:
        """Bytes of the program above those at the beginning."""
        return self.meter.total + self.allocations.given_back

    def mark(self, calls: list[MemoryCall], going_on: list[MemoryCall]) -> None:
        """End a segment that was in some calls; `going_on` are those that do not end with it."""
        state = self._alive_now(inside=bool(going_on))
        highest = [*max(self._state, state, key=sum)]
        peak = max(self.meter.peak + self._given_back, sum(highest))
        highest[WORKSPACE if calls else OTHER] += peak - sum(highest)
        for each in calls:
            each.peak = max(each.peak, peak)
        self._noted.append(self._since)
        self._noted.extend(highest)
        self._compare(tuple(highest), calls)
        self._state, self._since, self._given_back = state, perf_counter_ns(), self.allocations.given_back

    def _alive_now(self, *, inside: bool) -> tuple[int, ...]:
        """Bytes by category; what is above the known ones is workspace inside a call."""
        self.allocations.forget_dead()
        state = [*self.allocations.allocated]  # see `meter` on list()
        rest = self.total - sum(state)
        if inside:
            before = self._state[OTHER] - state[OTHER]
            state[WORKSPACE] = max(rest - before, 0)
        state[OTHER] += rest - state[WORKSPACE]
        return tuple(state)

    def _compare(self, highest: tuple[int, ...], calls: list[MemoryCall]) -> None:
        """Keep the most there was."""
        self.total_peak = max(self.total_peak, sum(highest) + sum(self.allocations.held))
        if sum(highest) <= sum(self.peak):
            return
        self.peak = highest
        if calls or sum(highest) > NEARLY * self._peak_in_call:
            self.peak_call = calls[-1] if calls else None
        if calls:
            self._peak_in_call = sum(highest)
