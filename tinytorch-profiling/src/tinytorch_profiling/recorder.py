"""The instrument that records: as little as possible while the program runs.

A call of an op costs two readings of the clock and a tuple in a list. How calls nest, and which forward call a
derivative belongs to, follows from the numbers afterwards (see `reading`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from threading import get_ident
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary, WeakSet

from numpy import ndarray

from tinytorch.core.module import Module
from tinytorch.core.tensor.op import BinaryOp, Node, UnaryOp, next_serial
from tinytorch.plugins import Instrument
from tinytorch.plugins.manager import CORE
from tinytorch_profiling.events import Scope
from tinytorch_profiling.lifetimes import Lifetimes

if TYPE_CHECKING:
    from tinytorch.plugins.registry import Declared
    from tinytorch.types import Kernel

PLAIN = frozenset({int, float, bool, str, type(None)})


class Raw(NamedTuple):
    """One call as it was noted; see `events.Call`."""

    op: str
    inputs: Sequence[Any]  # (shape, dtype) for an array
    outputs: Any
    start: int
    end: int
    thread: int
    plugin: str
    scope: Scope | None
    differentiated: tuple[int, str] | None  # the node whose derivative was being taken: its serial number and op
    serial: int  # the node that records the call, if one does, has the next


class Recorder(Instrument):
    """Notes calls and scopes while `recording` is set, and if asked when arrays come and go."""

    name = "profile"

    def __init__(self, *, memory: bool = False) -> None:
        self.recording = False
        self.lifetimes = Lifetimes() if memory else None
        self.calls: list[tuple[Any, ...]] = []  # fields of Raw
        self.scopes: list[Scope] = []
        self.inner: ContextVar[Scope | None] = ContextVar("inner", default=None)
        self.answers: dict[int, str] = {}  # by thread: the plugin that answered the innermost call
        self.paths: WeakKeyDictionary[Module, str] = WeakKeyDictionary()
        self.roots: WeakSet[Module] = WeakSet()

    def forget(self) -> None:
        """Begin anew."""
        self.calls.clear()
        self.scopes.clear()
        if self.lifetimes is not None:
            self.lifetimes.forget()

    def wrap_op(self, op: Declared, call: Kernel) -> Kernel:
        """Note when the op began and ended, and of its arrays the shapes and dtypes."""
        clock, note = perf_counter_ns, self._noting(op.name)

        def one(x: Any) -> Any:
            if not self.recording:
                return call(x)
            start = clock()
            out = call(x)
            note(start, clock(), ((x.shape, x.dtype),), out)
            return out

        def two(a: Any, b: Any) -> Any:
            if not self.recording:
                return call(a, b)
            start = clock()
            out = call(a, b)
            note(start, clock(), ((a.shape, a.dtype), (b.shape, b.dtype)), out)
            return out

        def many(*args: Any) -> Any:
            if not self.recording:
                return call(*args)
            start = clock()
            out = call(*args)
            note(start, clock(), [_described(each) for each in args], out)
            return out

        return one if isinstance(op, UnaryOp) else two if isinstance(op, BinaryOp) else many  # fast where it is noticed

    def _noting(self, op: str) -> Callable[[int, int, Sequence[Any], Any], None]:
        """Make what notes a call of an op; all that it needs is at hand, since it runs once a call."""
        append, answers, inner, ident = self.calls.append, self.answers, self.inner.get, get_ident
        born = None if self.lifetimes is None else self.lifetimes.born

        def note(start: int, end: int, inputs: Sequence[Any], out: Any) -> None:
            outputs = (out.shape, out.dtype) if type(out) is ndarray else _described(out)
            thread, scope = ident(), inner()
            plugin = answers.pop(thread, CORE) if answers else CORE
            differentiated = None if scope is None else scope.differentiated
            append((op, inputs, outputs, start, end, thread, plugin, scope, differentiated, next_serial()))
            if born is not None:
                born(out)

        return note

    def answered(self, plugin: str) -> None:
        """Note who answered the call that is about to end."""
        self.answers[get_ident()] = plugin

    @contextmanager
    def scope(self, kind: str, subject: Any) -> Iterator[None]:
        """Note a stretch with a name."""
        if not self.recording:
            yield
            return
        parent = self.inner.get()
        scope = Scope(kind, self._named(kind, subject, parent), parent, get_ident(), perf_counter_ns())
        self.scopes.append(scope)
        token = self.inner.set(scope)
        try:
            yield
        finally:
            self.inner.reset(token)
            scope.end = perf_counter_ns()

    def differentiating(self, node: Node) -> None:
        """Note whose derivative the next calls are."""
        if (scope := self.inner.get()) is not None:
            scope.differentiated = (node.serial, node.op.name)

    def _named(self, kind: str, subject: Any, parent: Scope | None) -> str:
        if kind != "module":
            return subject if isinstance(subject, str) else kind if subject is None else type(subject).__name__
        outer = None if parent is None else parent.enclosing("module")
        if outer is None and subject not in self.roots:
            self.roots.add(subject)
            root = type(subject).__name__
            self.paths.update({part: f"{root}.{path}" if path else root for path, part in subject.named_modules()})
        if subject not in self.paths:  # made while the model runs
            self.paths[subject] = f"{outer.name}.{type(subject).__name__}" if outer else type(subject).__name__
        return self.paths[subject]


def _described(value: Any) -> Any:
    """What may be kept of a value that a call took or gave: of arrays shape and dtype."""
    if type(value) is ndarray:
        return value.shape, value.dtype
    if type(value) is list or type(value) is tuple:
        return [_described(each) for each in value]
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return value.shape, value.dtype
    return value if type(value) in PLAIN else type(value).__name__
