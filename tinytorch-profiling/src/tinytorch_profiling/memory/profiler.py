"""`MemoryProfiler`: what a block of a program holds in memory, of what category, and which op needed the most.

    with MemoryProfiler() as memory:
        for batch in batches:
            train_one_step(batch)
            memory.step()
    print(memory)

Bytes are what tracemalloc sees: Python's objects and numpy's buffers, not what a compiled library asks malloc for by
itself. It makes small allocations many times slower, so that no time told here means anything, and `profile()` and
this refuse to lie in each other. What the profiler keeps for itself is measured and not counted (see `meter`).

There are two peaks. `peak` is the most that the block itself had allocated, above what there was when it began: what
tracemalloc tells that is started with the block. `total_peak` has the tensors that were held at the start besides, as
long as they lived: parameters and data that were made before. An array of numpy that no tensor held then is in neither.

Categories: parameters (with buffers) and their gradients, as modules that are called and optimizers that step have
them; gradients are also what ops give in a backward; activations is what ops give outside of backward and step,
whether backward will need it or not; workspace is what an op needs above what it leaves; other is the rest: Python's
objects, batches, and arrays below 1 KiB. The block sees its own thread or task and those that `carry` takes it to; what
is allocated elsewhere meanwhile is seen too, and counted as what goes on here.
"""

from __future__ import annotations

import tracemalloc
from contextlib import AbstractContextManager
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from tinytorch.plugins import instrumented
from tinytorch.plugins.instruments import watching
from tinytorch_profiling.events import Call
from tinytorch_profiling.export import figures
from tinytorch_profiling.memory import report
from tinytorch_profiling.memory.allocations import CATEGORIES
from tinytorch_profiling.memory.leaks import MARKS, Leak, leaks
from tinytorch_profiling.memory.segments import MemoryCall
from tinytorch_profiling.memory.watch import MemoryWatch
from tinytorch_profiling.recorder import Recorder
from tinytorch_profiling.showing import Shown
from tinytorch_profiling.table import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ONE = Lock()  # tracemalloc is the process's, and has one peak


class OpMemory(NamedTuple):
    """All calls of one op: net bytes that they left, and the largest workspace."""

    op: str
    calls: int
    net: int
    workspace: int


class MemoryProfiler(Shown):
    """Look at the memory of a block; what was seen can be asked for after it."""

    def __init__(self) -> None:
        self._watch = MemoryWatch()
        self._block: AbstractContextManager[None] | None = None
        self._was_tracing = False

    def __enter__(self) -> Self:
        if any(isinstance(each, Recorder) for each in watching()):
            raise RuntimeError("MemoryProfiler: a profile is open, whose times it would spoil; give each its own pass")
        if not ONE.acquire(blocking=False):
            raise RuntimeError(
                "MemoryProfiler: one is open already, and tracemalloc has one peak for all; close it first"
            )
        self._watch = MemoryWatch()
        self._block = instrumented(self._watch)
        self._was_tracing = tracemalloc.is_tracing()
        try:
            self._block.__enter__()
            if not self._was_tracing:
                tracemalloc.start()
            self._watch.begin()
        except BaseException as error:
            self._close(error)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._block is None:
            raise RuntimeError("MemoryProfiler: it is not open")
        stopped = not tracemalloc.is_tracing()
        self._watch.end()
        self._close(error)
        if stopped and error is None:
            raise RuntimeError("MemoryProfiler: somebody stopped tracemalloc inside the block, so nothing can be told")

    def _close(self, error: BaseException | None) -> None:
        block, self._block = self._block, None
        if not self._was_tracing:
            tracemalloc.stop()
        ONE.release()
        if block is not None:
            block.__exit__(None if error is None else type(error), error, None)

    def step(self) -> None:
        """Say that a step is over: what is alive now is compared with what the next one leaves."""
        if self._block is None:
            raise RuntimeError(
                "MemoryProfiler: step() belongs inside the block: `with MemoryProfiler() as m: ... m.step()`"
            )
        self._watch.step()

    @property
    def peak(self) -> int:
        """The most bytes that the block had allocated at a time, above what there was when it began."""
        return sum(self._watch.segments.peak)

    @property
    def total_peak(self) -> int:
        """The most bytes with those of the tensors that were held at the start."""
        return self._watch.segments.total_peak

    @property
    def at_peak(self) -> dict[str, int]:
        """Of what the peak was made up, by category."""
        return _named(self._watch.segments.peak)

    @property
    def held_at_start(self) -> dict[str, int]:
        """The bytes of tensors from before the block, by category."""
        return _named(self._watch.allocations.held_at_start)

    @property
    def peak_call(self) -> Call | None:
        """The call of the op that had the peak, with module, shapes and phase; None where it was outside of ops.

        An op has the peak, too, if what it left was less than 1 % below.
        """
        found = self._watch.segments.peak_call
        return None if found is None else found.call

    @property
    def calls(self) -> list[MemoryCall]:
        """Every call of an op in the order of beginning, those that kernels made among them."""
        return self._watch.calls

    @property
    def timeline(self) -> list[tuple[int, dict[str, int]]]:
        """From each moment (ns of `perf_counter_ns`) to the next, the most bytes that the block had allocated."""
        return [(start, _named(sizes)) for start, sizes in self._watch.segments.timeline()]

    @property
    def steps(self) -> int:
        """How many steps were marked."""
        return len(self._watch.marks)

    @property
    def leaks(self) -> list[Leak]:
        """What never shrinks from step to step and grows in most, the largest first.

        What no op made must grow by more than 8 KiB a step, since caches of Python and numpy grow, too, at first.
        Raises RuntimeError for fewer than three steps.
        """
        return leaks(self._watch.marks)

    def by_op(self) -> list[OpMemory]:
        """What the calls of each op did to memory, the largest workspace first; an op's own calls of ops are in it."""
        grouped: dict[str, list[MemoryCall]] = {}
        for each in self.calls:
            grouped.setdefault(each.call.op, []).append(each)
        rows = [
            OpMemory(op, len(calls), sum(each.net for each in calls), max(each.workspace for each in calls))
            for op, calls in grouped.items()
        ]
        return sorted(rows, key=lambda row: (-row.workspace, -row.net, row.op))

    def figure(self) -> Figure:
        """Draw the timeline, category upon category (extra `plot`)."""
        return figures.memory(self.timeline)

    def to_dict(self) -> dict[str, Any]:
        """All of it but the single calls, as numbers, names, lists and dicts."""
        call = self.peak_call
        return {
            "peak": self.peak,
            "total_peak": self.total_peak,
            "at_peak": self.at_peak,
            "held_at_start": self.held_at_start,
            "peak_call": None if call is None else report.call_as_dict(call),
            "ops": [row._asdict() for row in self.by_op()],
            "steps": self.steps,
            "leaks": [leak._asdict() for leak in self.leaks] if self.steps >= MARKS else None,
            "timeline": self.timeline,
        }

    def tables(self) -> tuple[Table, ...]:
        """Give the categories at the peak and at the start, with the peaks and leaks in words, and the ops."""
        return report.tables(self)


def _named(sizes: Any) -> dict[str, int]:
    return dict(zip(CATEGORIES, sizes, strict=True))
