"""What training leaves in memory, step by step, after it has warmed up."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from tinytorch.testing.conduct import kept_bytes
from tinytorch.verify.finding import Finding
from tinytorch.verify.trainings import Training, of_each_kind, seeded

STATM = Path("/proc/self/statm")
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096  # bytes

WARM_UP, STEPS = 50, 200
ROUNDS, ROUND = 4, 12  # of so many steps, while tracemalloc makes them slow
TRACED = 512  # bytes a step, which has 240 calls of ops: numpy keeps 200 for later at first, then ever less
RESIDENT = 4 << 20  # bytes in 200 steps: a leak of 20 KiB a step; malloc's own arenas move by 1 or 2 MiB


def traced(seed: int) -> Finding:
    """What tracemalloc sees of a step, the least of some means over rounds, must be less than any but small objects."""
    kept = seeded(of_each_kind, seed, lambda trainings: kept_bytes(partial(_step, trainings), ROUND, 1 + ROUNDS, 2))
    problems = [f"keeps {kept:.0f} bytes of every step, seen by tracemalloc"] if kept > TRACED else []
    return Finding(problems, f"{max(kept, 0.0):.0f} bytes kept of a step; up to {TRACED} are numpy's own")


def resident(seed: int) -> Finding | None:
    """The process itself, which holds what tracemalloc does not see, must stay as large; None where nobody tells."""
    if not STATM.exists():
        return None

    def grown(trainings: list[Training]) -> int:
        for _ in range(WARM_UP):
            _step(trainings)
        before = _resident()
        for _ in range(STEPS):
            _step(trainings)
        return _resident() - before

    return grown_by(seeded(of_each_kind, seed, grown))


def grown_by(size: int) -> Finding:
    """Judge how much the process has grown."""
    told = f"{size / 2**20:.1f} MiB in {STEPS} steps"
    problems = [f"the process grows by {told}"] if size > RESIDENT else []
    return Finding(problems, f"the process grows by {told}; up to {RESIDENT >> 20} MiB are malloc's own")


def _step(trainings: list[Training]) -> None:
    for training in trainings:
        training.step()


def _resident() -> int:
    return int(STATM.read_text().split()[1]) * PAGE
