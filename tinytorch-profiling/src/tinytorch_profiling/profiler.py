"""`profile`: what a block of a program did, op by op, module by module, and how long it took.

    with profile() as p:
        train_one_step()
    print(p)

A block sees its own thread or task and those that `tinytorch.plugins.carry` takes it to. Blocks may lie in each other;
each sees all that happens inside it. Results are the same bits as without. Memory is looked at elsewhere
(`MemoryProfiler`): what it costs would be seen in the times.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ContextDecorator
from pathlib import Path
from threading import get_ident
from time import perf_counter_ns
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from tinytorch.plugins import instrumented
from tinytorch.plugins.instruments import scope, watching
from tinytorch_profiling.events import Recording
from tinytorch_profiling.export import chrome, figures, html, stacks
from tinytorch_profiling.memory.watch import MemoryWatch
from tinytorch_profiling.reading import read
from tinytorch_profiling.recorder import Recorder
from tinytorch_profiling.scheduling import Schedule
from tinytorch_profiling.showing import Shown
from tinytorch_profiling.table import Table
from tinytorch_profiling.views import VIEWS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tinytorch_profiling.peaks import Machine

ROWS = 15  # of a table that is shown unasked


class profile(Shown):  # noqa: N801  it reads as a keyword, as PyTorch's does
    """Record a block; tables, `recording` and exports tell of it, inside the block of what was seen till then.

    With a `schedule`, calls of `step()` divide the block into steps, and only the active ones are recorded;
    `on_trace_ready(profile)` is called at the end of each window of them, and what was recorded before is forgotten
    when the next begins. With `memory`, the trace shows how much of what ops gave is alive, at a microsecond a call.
    """

    def __init__(
        self,
        schedule: Schedule | None = None,
        on_trace_ready: Callable[[profile], object] | None = None,
        memory: bool = False,
    ) -> None:
        if schedule is not None and not isinstance(schedule, Schedule):
            raise TypeError(f"profile: expected a schedule as schedule(...) makes it, got {type(schedule).__name__}")
        self.schedule = schedule
        self.on_trace_ready = on_trace_ready
        self.memory = memory
        self.steps = 0
        self._recorder = Recorder(memory=memory)
        self._windows: list[tuple[int, int]] = []
        self._began = 0
        self._thread = 0
        self._read: Recording | None = None
        self._block: AbstractContextManager[None] | None = None

    def __enter__(self) -> Self:
        if self._block is not None:
            raise RuntimeError("profile: this one is open already; make another for a block inside it")
        if any(isinstance(each, MemoryWatch) for each in watching()):
            raise RuntimeError("profile: a MemoryProfiler is open, which spoils times; give each its own pass")
        self._recorder = Recorder(memory=self.memory)
        self._windows, self._read, self._thread, self.steps = [], None, get_ident(), 0
        self._block = instrumented(self._recorder)
        self._block.__enter__()
        if self.schedule is None or self.schedule.active_at(0):
            self._begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        block, self._block = self._block, None
        if block is None:
            raise RuntimeError("profile: it is not open")
        try:
            if self._recorder.recording:
                self._end()
        finally:
            block.__exit__(kind, error, trace)

    def step(self) -> None:
        """Say that a step of the schedule is over, and the next begins."""
        if self._block is None:
            raise RuntimeError("profile: step() belongs inside the block: `with profile(...) as p: ... p.step()`")
        self.steps += 1
        if self.schedule is None:
            return
        active = self.schedule.active_at(self.steps)
        if self._recorder.recording and (not active or self.schedule.begins_at(self.steps)):
            self._end()
        if active and not self._recorder.recording:
            self._begin()

    @property
    def recording(self) -> Recording:
        """All that was seen till now."""
        if self._read is None or self._recorder.recording:
            windows = [*self._windows, (self._began, perf_counter_ns())] if self._recorder.recording else self._windows
            self._read = read(self._recorder, windows, self._thread)
        return self._read

    def table(self, by: str = "op", sort: str = "self_time", limit: int | None = None) -> Table:
        """Give a table by "op", "module", "shape", "phase", "plugin" or "range", the largest first of what it sorts by.

        Raises ValueError for another view, or a column that it has not.
        """
        if by not in VIEWS:
            raise ValueError(f"profile: there is no table by '{by}'; there are {', '.join(VIEWS)}")
        return VIEWS[by](self.recording).sorted(sort, limit)

    def to_dict(self) -> dict[str, Any]:
        """Give the time of the block in nanoseconds, and all tables, as plain data."""
        recording = self.recording
        tables = {by: self.table(by).to_dict() for by in VIEWS}
        return {"wall": recording.wall, "between_ops": recording.outside, "steps": self.steps, "tables": tables}

    def tables(self) -> tuple[Table, ...]:
        """Give the first rows by op and by module: what is shown unasked."""
        return tuple(self.table(by, limit=ROWS) for by in ("op", "module"))

    def export_html(self, path: str | Path) -> None:
        """Write a report for a browser, one file that needs no network: tables, a timeline, memory if it was seen."""
        html.export_html(self.recording, path, [self.table(by) for by in VIEWS], self._memory())

    def export_chrome_trace(self, path: str | Path) -> None:
        """Write a trace for Perfetto, .json or .json.gz, with arrows from calls to their derivatives."""
        chrome.export_chrome_trace(self.recording, path, self._memory())

    def export_stacks(self, path: str | Path) -> None:
        """Write stacks: for speedscope to .json, for flame graphs, a line each with nanoseconds, to .txt."""
        write = stacks.export_speedscope if ".json" in Path(path).suffixes else stacks.export_stacks
        write(self.recording, path)

    def roofline(self, roof: Machine | None = None) -> Figure:
        """Draw how near each op came to this machine's measured peaks (extra `plot`)."""
        return figures.roofline(self.recording, roof)

    def _memory(self) -> list[tuple[int, dict[str, int]]]:
        return [(moment, {"given by ops": alive}) for moment, alive in self.recording.memory]

    def _begin(self) -> None:
        if self.schedule is not None:
            self._recorder.forget()
            self._windows = []
        self._read = None
        self._began = self._recorder.start()

    def _end(self) -> None:
        self._windows.append((self._began, self._recorder.stop()))
        self._read = None
        if self.on_trace_ready is not None:
            self.on_trace_ready(self)


class record(ContextDecorator):  # noqa: N801  it reads as a keyword, as PyTorch's does
    """Give a stretch of a program its name, for the profiles that look at it, if any: a block, or a decorator."""

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"record: expected a name, got {type(name).__name__}")
        self.name = name
        self._open: list[AbstractContextManager[Any]] = []

    def _recreate_cm(self) -> record:
        return record(self.name)  # a call of a decorated function has one of its own

    def __enter__(self) -> None:
        block = scope("range", self.name)
        block.__enter__()
        self._open.append(block)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.pop().__exit__(kind, error, trace)
