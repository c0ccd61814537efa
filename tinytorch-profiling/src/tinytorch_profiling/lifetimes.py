"""When the arrays that ops gave came to life, and when they died.

It costs about a microsecond a call and sees no memory but theirs: for a picture beside the times. What a program
holds at most, by category, `MemoryProfiler` measures, in a pass of its own.
"""

from __future__ import annotations

from functools import partial
from itertools import accumulate
from time import perf_counter_ns
from typing import Any
from weakref import ref

from numpy import ndarray


class Lifetimes:
    """Notes births and deaths; the arrays themselves are not kept."""

    def __init__(self) -> None:
        self._changes: list[tuple[int, int]] = []
        self._living: dict[int, Any] = {}

    def born(self, out: Any) -> None:
        """Note the arrays of an answer that own their memory."""
        for array in out if type(out) is tuple else (out,):
            if type(array) is ndarray and array.base is None and (key := id(array)) not in self._living:
                self._changes.append((perf_counter_ns(), array.nbytes))
                self._living[key] = ref(array, partial(self._died, key, array.nbytes))

    def timeline(self, start: int, end: int) -> list[tuple[int, int]]:
        """Bytes alive after each change between two moments, of arrays that were made after the first one."""
        changes = sorted(each for each in self._changes if start <= each[0] <= end)
        moments = [moment for moment, _ in changes]
        return list(zip(moments, accumulate(change for _, change in changes), strict=True))

    def forget(self) -> None:
        """Begin anew, and follow no array any longer."""
        self._living.clear()
        self._changes.clear()

    def rest(self) -> None:
        """Follow no array any longer."""
        self._living.clear()

    def _died(self, key: int, nbytes: int, dead: object) -> None:
        if self._living.pop(key, None) is not None:
            self._changes.append((perf_counter_ns(), -nbytes))
