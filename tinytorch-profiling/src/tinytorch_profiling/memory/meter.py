"""The meter: how many bytes tracemalloc sees of a program, without those of whoever looks.

What a profiler keeps, tracemalloc sees too. So all its work is done in sections, and what a section leaves behind is
not counted; the peak begins anew after each. The readings must not see their own numbers: these are attributes, where
the new one takes the place of the old. What one section makes, another must let go of: a `with` would not do, whose
bound method `__enter__` dies between the readings. And since Python keeps the memory of small tuples and lists for the
next ones, a section keeps no new tuples, and makes lists as `[*values]`: `list(values)` asks for fresh memory, which
the program would then give back. What remains is some bytes a call.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from threading import RLock
from tracemalloc import get_traced_memory, reset_peak
from typing import Any


class Meter:
    """`total`, `peak`: bytes above those at the beginning, now and at most since the last section; `cost`: our own."""

    def __init__(self) -> None:
        self.total = self.peak = self.cost = self.base = 0
        self._read = 0
        self._lock = RLock()
        self._within = False

    def begin(self) -> None:
        """Count from here."""
        self.cost = 0
        self.base = get_traced_memory()[0]
        reset_peak()

    def section(self, work: Callable[..., None], *args: Any) -> None:
        """Read, do some work, and do not count what it leaves behind."""
        with self._lock:
            collecting = gc.isenabled()
            try:  # from here on, whatever breaks in
                self._within = True
                gc.disable()  # the program's garbage, collected here, would count as ours
                self._read, self.peak = get_traced_memory()
                self.total = self._read - self.base - self.cost
                self.peak -= self.base + self.cost
                try:
                    work(*args)
                finally:
                    self.cost += get_traced_memory()[0] - self._read
                    reset_peak()
            finally:
                self._within = False
                if collecting:
                    gc.enable()

    def aside(self, work: Callable[..., None], *args: Any) -> None:
        """Do a little work between sections, or in one, which is not counted either; the peak goes on."""
        with self._lock:
            if self._within:
                work(*args)
                return
            self._read = get_traced_memory()[0]
            work(*args)
            self.cost += get_traced_memory()[0] - self._read
