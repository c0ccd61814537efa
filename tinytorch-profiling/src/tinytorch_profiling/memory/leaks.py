"""Leaks: what a program keeps more of after every step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from tinytorch_profiling.memory.watch import Origin

GROWTH = 0  # bytes a step of what ops made: any is too much
LOOSE = 8192  # bytes a step of the rest, by which the caches of Python and numpy grow at first
MARKS = 3  # steps that tell a growth: the first makes what stays


class Leak(NamedTuple):
    """What one op made and the program keeps, more of it after every step; no op where the program made it itself."""

    op: str
    module: str
    phase: str
    category: str
    bytes_per_step: float


def leaks(marks: Sequence[Mapping[Origin, int]]) -> list[Leak]:
    """Find what never shrinks from step to step and grows in most, the largest first; `marks` are bytes by origin.

    Raises RuntimeError for fewer than three steps, of which the first is left out: what it makes may stay.
    """
    if len(marks) < MARKS:
        raise RuntimeError(f"leaks: expected {MARKS} calls of step() or more in the block, got {len(marks)}")
    found = []
    for origin in dict.fromkeys(origin for mark in marks for origin in mark):
        grown = [after.get(origin, 0) - before.get(origin, 0) for before, after in pairwise(marks)]
        bar = GROWTH if origin.op else LOOSE
        if min(grown) >= 0 and sum(each > bar for each in grown) * 2 > len(grown):
            found.append(Leak(*origin, bytes_per_step=sum(grown) / len(grown)))
    return sorted(found, key=lambda leak: -leak.bytes_per_step)
