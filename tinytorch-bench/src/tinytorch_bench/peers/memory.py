"""How much memory steps need, of the process's own: what is resident at most while they run, above what was before.

The system counts it, so that it does not matter whose allocator serves. Linux only: VmRSS and VmHWM of /proc.
"""

from __future__ import annotations

import gc
from pathlib import Path

from tinytorch_bench.peers.peer import Step

STEPS = 3  # the first makes the optimizer's state, the next find what that leaves
STATUS = Path("/proc/self/status")


def growth(step: Step, count: int = STEPS) -> int | None:
    """Take steps and return the bytes of their peak above what was resident before; None where nobody counts."""
    if not STATUS.exists():
        return None
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = _resident("VmRSS")
    for _ in range(count):
        step()
    return _resident("VmHWM") - before


def _resident(name: str) -> int:
    """Bytes, from a line of the process's status."""
    lines = STATUS.read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name))
