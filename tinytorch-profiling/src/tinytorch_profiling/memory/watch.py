"""The instrument that looks at memory: a reading of tracemalloc at every beginning and end of ops and scopes.

What lies between two readings is a segment, see `segments`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import get_ident
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, NamedTuple

from tinytorch.core.optimizers import Optimizer
from tinytorch.core.tensor.op import Node, next_serial
from tinytorch.plugins import Instrument
from tinytorch_profiling.events import Call, Spec
from tinytorch_profiling.memory.allocations import ACTIVATIONS, CATEGORIES, GRADIENTS, OTHER, Allocations
from tinytorch_profiling.memory.meter import Meter
from tinytorch_profiling.memory.segments import MemoryCall, Segments
from tinytorch_profiling.recorder import PLAIN, Recorder

if TYPE_CHECKING:
    from tinytorch.plugins.registry import Declared
    from tinytorch.types import Kernel

BY_PHASE = {"forward": ACTIVATIONS, "backward": GRADIENTS, "step": OTHER}


class Origin(NamedTuple):
    """Whence arrays that are alive came."""

    op: str  # "" for what no op made
    module: str
    phase: str
    category: str


class MemoryWatch(Instrument):
    """Notes what every op does to memory, the most of every segment, and what is alive at the end of every step."""

    name = "memory profile"

    def __init__(self) -> None:
        self.meter = Meter()
        self.allocations = Allocations(self.meter)
        self.scopes = Recorder()  # knows how modules are called
        self.scopes.recording = True
        self.calls: list[MemoryCall] = []
        self.segments = Segments(self.meter, self.allocations)
        self.marks: list[dict[Origin, int]] = []
        self._open: list[MemoryCall] = []  # of all threads
        self._stepping: list[Optimizer] = []
        self._kept: dict[Any, Any] = {}
        self._numbered: dict[str, tuple[list[int], list[Call]]] = defaultdict(lambda: ([], []))

    def begin(self) -> None:
        """Count from here."""
        self.allocations.find_held()
        self.allocations.begun = True
        self.segments.begin()
        self.meter.begin()

    def wrap_op(self, op: Declared, call: Kernel) -> Kernel:
        """Look before the call and after it."""
        section, begin, end = self.meter.section, self._begin, self._end

        def watched(*args: Any) -> Any:
            section(begin, op.name, args)
            out = None
            try:
                out = call(*args)
            finally:
                section(end, out)
            return out

        return watched

    @contextmanager
    def scope(self, kind: str, subject: Any) -> Iterator[None]:
        """Learn from modules and optimizers which arrays are theirs."""
        opened: list[AbstractContextManager[None]] = []
        self.meter.section(self._enter, opened, kind, subject)
        try:
            yield
        finally:
            self.meter.section(self._leave, opened, kind, subject)

    def differentiating(self, node: Node) -> None:
        """Note whose derivative the next calls are."""
        self.meter.section(self._differentiate, node)

    def step(self) -> None:
        """Note what is alive, by origin; the rest belongs to no op."""
        self.meter.section(self._step)

    def end(self) -> None:
        """Look for the last time, and at no array any more."""
        self.meter.section(self.segments.mark, self._open, self._open)
        self.allocations.alive.clear()

    def _enter(self, opened: list[AbstractContextManager[None]], kind: str, subject: Any) -> None:
        opened.append(self.scopes.scope(kind, subject))
        opened[0].__enter__()
        scope = self.scopes.inner.get()
        outer = scope and scope.parent and scope.parent.enclosing("module")
        if kind == "module" and outer is None:
            self.allocations.note_module(subject)
        elif kind == "step":
            self._stepping.append(subject)
            self.allocations.note_optimizer(subject)
        self.segments.mark(self._open, self._open)

    def _leave(self, opened: list[AbstractContextManager[None]], kind: str, subject: Any) -> None:
        opened[0].__exit__(None, None, None)
        opened.clear()
        if kind == "step":
            self.allocations.note_optimizer(subject)
            self._stepping.remove(subject)
        self.segments.mark(self._open, self._open)

    def _differentiate(self, node: Node) -> None:
        self.segments.mark(self._open, self._open)
        self.scopes.differentiating(node)
        self.scopes.scopes.clear()

    def _step(self) -> None:
        self.segments.mark(self._open, self._open)
        alive: dict[Origin, int] = defaultdict(int)
        for each in self.allocations.alive.values():
            if not each.held:
                alive[_origin(each.call, each.category)] += each.nbytes
        alive[_origin(None, OTHER)] += self.segments.total - sum(alive.values())
        self.marks.append(dict(alive))

    def _begin(self, op: str, args: tuple[Any, ...]) -> None:
        scope, thread, now = self.scopes.inner.get(), get_ident(), perf_counter_ns()
        call = Call(op, self._shared(args), (), now, now, thread, "", scope, self._inside(thread))
        if scope is not None and call.phase == "backward":
            call.derivative_of = self._forward_call(scope.differentiated)
        if call.parent is None:
            self._follow_inputs(call, args)
        self.segments.mark(self._open, self._open)
        this = MemoryCall(call, self.segments.total, peak=self.segments.total)
        self.calls.append(this)
        self._open.append(this)

    def _end(self, out: Any) -> None:
        thread = get_ident()
        place = max(i for i, each in enumerate(self._open) if each.call.thread == thread)
        this, call = self._open[place], self._open[place].call
        if call.parent is None:
            for each in _flat(out):
                self.allocations.follow(each, BY_PHASE[call.phase], call)
        call.outputs = self._shared([each for each in _flat(out) if hasattr(each, "dtype")])
        self.segments.mark(self._open, [*self._open[:place], *self._open[place + 1 :]])
        this.after, call.end = self.segments.total, perf_counter_ns()
        del self._open[place]
        if call.phase == "forward":
            serials, calls = self._numbered[call.op]
            serials.append(next_serial())
            calls.append(call)

    def _follow_inputs(self, call: Call, args: tuple[Any, ...]) -> None:
        """What an op takes and no op has given was made by the program itself, or by the optimizer that steps."""
        for optimizer in self._stepping:
            self.allocations.note_optimizer(optimizer)
        for each in _flat(args):
            self.allocations.follow(each, OTHER)

    def _inside(self, thread: int) -> Call | None:
        """The call that is going on in a thread, the innermost."""
        return next((each.call for each in reversed(self._open) if each.call.thread == thread), None)

    def _forward_call(self, differentiated: tuple[int, str] | None) -> Call | None:
        """The last call of the op before its node was made."""
        if differentiated is None:
            return None
        serials, calls = self._numbered[differentiated[1]]
        place = bisect_left(serials, differentiated[0])
        return calls[place - 1] if place else None

    def _shared(self, values: Iterable[Any]) -> tuple[Any, ...]:
        """What may be kept of values, the same object for the same: new tuples may come from those Python keeps."""
        seen = tuple([self._seen(each) for each in values])
        return self._kept.setdefault((seen, *map(type, seen)), seen)

    def _seen(self, value: Any) -> Any:
        """A value without its numbers, if it is an array."""
        if isinstance(value, tuple | list):
            return self._shared(value)
        if hasattr(value, "dtype") and hasattr(value, "shape"):
            key = value.shape, value.dtype
            if key not in self._kept:
                self._kept[key] = Spec(value.shape, str(value.dtype))
            return self._kept[key]
        return value if type(value) in PLAIN else type(value).__name__


def _origin(call: Call | None, category: int) -> Origin:
    if call is None:
        return Origin("", "", "", CATEGORIES[category])
    return Origin(call.op, call.module, call.phase, CATEGORIES[category])


def _flat(value: Any) -> Iterator[Any]:
    """What stands in tuples and lists, however deep."""
    if isinstance(value, tuple | list):
        for each in value:
            yield from _flat(each)
    else:
        yield value
