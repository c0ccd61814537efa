"""A look at every training while the plugin is enabled: some steps of it are profiled, and told at its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import Any

from tinytorch.plugins.instruments import watching
from tinytorch_profiling.memory.watch import MemoryWatch
from tinytorch_profiling.profiler import profile
from tinytorch_profiling.recorder import Recorder
from tinytorch_profiling.scheduling import schedule

WARM_UP = 5  # steps, which are slower than those that follow
ROWS = 10

steps = 100  # to record of each training, the plugin's option
_open: dict[int, profile] = {}  # by thread
_told: list[profile] = []  # the last training's, until a report has it


def configure(options: dict[str, Any]) -> None:
    """Take the plugin's options."""
    global steps  # noqa: PLW0603  what a plugin is told holds for the process
    if options["steps"] < 0:
        raise ValueError(f"[profiling] steps: expected 0 or more, got {options['steps']}")
    steps = options["steps"]


@contextmanager
def profiled() -> Iterator[None]:
    """Profile a training, unless somebody looks already; what is recorded is told later."""
    if not steps or any(isinstance(each, Recorder | MemoryWatch) for each in watching()):
        yield
        return
    p = _open[get_ident()] = profile(schedule(skip_first=WARM_UP, active=steps, repeat=1))
    try:
        with p:
            yield
    finally:
        del _open[get_ident()]
        _told[:] = [p]


def step() -> None:
    """Go on to the next step."""
    if (p := _open.get(get_ident())) is not None:
        p.step()


def sections() -> list[tuple[str, str]]:
    """Give the tables of the last training, once."""
    told = [p for p in _told if p.recording.calls]
    _told.clear()
    return [
        (f"time of {min(p.steps - WARM_UP, steps)} steps {p.table(by).title}", str(p.table(by, limit=ROWS)))
        for p in told
        for by in ("op", "phase")
    ]
