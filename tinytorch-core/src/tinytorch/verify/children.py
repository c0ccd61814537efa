"""The same training in processes of their own, with one thread of BLAS and with two."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from tinytorch import plugins
from tinytorch.plugins import discovery
from tinytorch.verify.selections import Selection
from tinytorch.verify.trainings import digits_mlp, seeded

COUNTS = (1, 1, 2, 2)  # threads of each process
SECONDS = 120.0  # until a child is given up
BATCH, WIDTH, STEPS = 256, 256, 8  # large enough for BLAS to share the work
PROGRAM = "import sys; from tinytorch.verify.children import tell; tell(*sys.argv[1:])"


def only_here(selection: Selection) -> list[str]:
    """Give the plugins that another process cannot have, since code registered them in this one."""
    there = discovery.installed()
    return [name for name in selection if name not in there]


def losses(selection: Selection, seed: int) -> list[list[float]]:
    """Give the losses of each child, all of which run at once; raise RuntimeError that says how one ended."""
    children = [_started(selection, seed, count) for count in COUNTS]
    try:
        return [_told(child) for child in children]
    finally:
        for child in children:
            child.kill()
            child.communicate()


def tell(seed: str, *selection: str) -> None:
    """Train, as a child, and write the losses, bit for bit."""
    with plugins.using(*selection):
        found = seeded(
            lambda: digits_mlp(BATCH, WIDTH), int(seed), lambda training: [training.step() for _ in range(STEPS)]
        )
    sys.stdout.write(json.dumps([loss.hex() for loss in found]))


def _started(selection: Selection, seed: int, threads: int) -> subprocess.Popen[str]:
    counts = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    environment: dict[str, Any] = {**os.environ, **counts, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", PROGRAM, str(seed), *selection]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment)  # noqa: S603  our own program


def _told(child: subprocess.Popen[str]) -> list[float]:
    out, error = child.communicate(timeout=SECONDS)
    if child.returncode:
        raise RuntimeError(f"a process of its own ended with {_last_words(error) or f'status {child.returncode}'}")
    return [float.fromhex(each) for each in json.loads(out)]


def _last_words(error: str) -> str:
    """What a program wrote last: its exception with the notes, not where that was."""
    last = error.rpartition("Traceback (most recent call last):\n")[2]
    return ", ".join(line for line in last.splitlines() if line and not line.startswith(" "))
