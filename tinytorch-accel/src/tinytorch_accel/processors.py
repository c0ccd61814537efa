"""How many processors this process may use: what the system lets it run on, and pays it for.

`os.cpu_count()` tells what the machine has. A process may be bound to some of these, and a container's share of time
(a quota of its cgroup) may be less than they have: more threads than that only wait for each other.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")


def available() -> int:
    """Return the number of processors that this process may keep busy."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min([float(bound), *quotas()])))


def quotas(groups: Path = GROUPS, own: Path = Path("/proc/self/cgroup")) -> Iterator[float]:
    """Give the processors' worth of time that each cgroup around this process allows, of those that limit it."""
    for folder in _folders(groups, own):
        quota, period = _quota(folder)
        if quota > 0 and period > 0:
            yield quota / period


def _folders(groups: Path, own: Path) -> Iterator[Path]:
    """Give the folder of this process's cgroup and those around it: version 2, then version 1."""
    if not own.exists():
        return
    for line in own.read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers or "cpu" in controllers.split(","):
            root = groups / "cpu" if controllers else groups
            inner = root / path.lstrip("/")
            yield from (inner, *(parent for parent in inner.parents if parent.is_relative_to(root)))


def _quota(folder: Path) -> tuple[float, float]:
    """Return (quota, period) in microseconds; 0 where there is no limit."""
    limit, old = folder / "cpu.max", folder / "cpu.cfs_quota_us"
    if limit.exists():
        quota, period = limit.read_text().split()
        return 0.0 if quota == "max" else float(quota), float(period)
    if old.exists():
        return float(old.read_text()), float((folder / "cpu.cfs_period_us").read_text())
    return 0.0, 0.0
