"""The instrument that records: as little as possible while the program runs.

A call of an op costs two readings of the clock and a tuple in a list. How calls nest, and which forward call a
derivative belongs to, follows from the numbers afterwards (see `reading`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import get_ident
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet

from numpy import ndarray

from tinytorch.core.module import Module
from tinytorch.core.tensor.op import BinaryOp, Node, Op, UnaryOp, next_serial
from tinytorch.plugins import Instrument
from tinytorch.plugins.manager import CORE
from tinytorch_profiling.events import Raw, Scope
from tinytorch_profiling.lifetimes import Lifetimes

if TYPE_CHECKING:
    from tinytorch.plugins.registry import Declared
    from tinytorch.types import Kernel

PLAIN = frozenset({int, float, bool, str, type(None)})


NOWHERE = Scope("range", "", None, 0, 0)  # where no scope is open
HEAD, ONE, TWO, MANY = 9, 4, 6, 2  # fields of every call; more of one with one array, two, and of any other


class Recorder(Instrument):
    """Notes calls and scopes while `recording` is set, and if asked when arrays come and go."""

    name = "profile"

    def __init__(self, *, memory: bool = False) -> None:
        self.recording = False
        self.lifetimes = Lifetimes() if memory else None
        self.noted: list[Any] = []  # call after call, see `calls`: of flat numbers the garbage collector knows nothing
        self.scopes: list[Scope] = []
        self.inner: ContextVar[Scope] = ContextVar("inner", default=NOWHERE)
        self.answers: dict[int, str] = {}  # by thread: the plugin that answered the innermost call
        self.paths: WeakKeyDictionary[Module, str] = WeakKeyDictionary()
        self.roots: WeakSet[Module] = WeakSet()

    def calls(self) -> Iterator[Raw]:
        """Give the calls that were noted, in the order in which they ended."""
        noted, place = self.noted[:], 0
        while place < len(noted):
            more = place + HEAD
            end = more + noted[place]
            fields = noted[more:end]
            if noted[place] == MANY:
                inputs, outputs = fields
            else:
                *inputs, outputs = zip(fields[::2], fields[1::2], strict=True)
            yield Raw._make([*noted[place + 1 : more], inputs, outputs])
            place = end

    def forget(self) -> None:
        """Begin anew."""
        self.noted.clear()
        self.scopes.clear()
        if self.lifetimes is not None:
            self.lifetimes.forget()

    def wrap_op(self, op: Declared, call: Kernel) -> Kernel:
        """Note when the op began and ended, and of its arrays the shapes and dtypes."""
        kind = UnaryOp if isinstance(op, UnaryOp) else BinaryOp if isinstance(op, BinaryOp) else Op
        timed = {UnaryOp: self._one, BinaryOp: self._two}[kind] if kind is not Op and op.outputs == 1 else self._many
        born = None if self.lifetimes is None else self.lifetimes.born
        return timed(op.name, call) if born is None else _followed(timed(op.name, call), born)

    def _one(self, op: str, call: Kernel) -> Kernel:
        """Time an op on one array, which small ones notice: all that is asked is at hand, nothing else is called."""
        clock, ident, inner, note, answers = perf_counter_ns, get_ident, self.inner.get, self.noted.extend, self.answers

        def timed(x: Any) -> Any:
            if not self.recording:
                return call(x)
            start = clock()
            out = call(x)
            end, thread, scope = clock(), ident(), inner()
            plugin = answers.pop(thread, CORE) if answers else CORE
            note(
                (
                    ONE,
                    op,
                    start,
                    end,
                    thread,
                    plugin,
                    scope,
                    scope.differentiated,
                    next_serial(),
                    x.shape,
                    x.dtype,
                    out.shape,
                    out.dtype,
                )
            )
            return out

        return timed

    def _two(self, op: str, call: Kernel) -> Kernel:
        """Time an op on two arrays, as `_one` does."""
        clock, ident, inner, note, answers = perf_counter_ns, get_ident, self.inner.get, self.noted.extend, self.answers

        def timed(a: Any, b: Any) -> Any:
            if not self.recording:
                return call(a, b)
            start = clock()
            out = call(a, b)
            end, thread, scope = clock(), ident(), inner()
            plugin = answers.pop(thread, CORE) if answers else CORE
            note(
                (
                    TWO,
                    op,
                    start,
                    end,
                    thread,
                    plugin,
                    scope,
                    scope.differentiated,
                    next_serial(),
                    a.shape,
                    a.dtype,
                    b.shape,
                    b.dtype,
                    out.shape,
                    out.dtype,
                )
            )
            return out

        return timed

    def _many(self, op: str, call: Kernel) -> Kernel:
        """Time any other op."""
        clock, ident, inner, note, answers = perf_counter_ns, get_ident, self.inner.get, self.noted.extend, self.answers

        def timed(*args: Any) -> Any:
            if not self.recording:
                return call(*args)
            start = clock()
            out = call(*args)
            end, thread, scope = clock(), ident(), inner()
            plugin = answers.pop(thread, CORE) if answers else CORE
            note(
                (
                    MANY,
                    op,
                    start,
                    end,
                    thread,
                    plugin,
                    scope,
                    scope.differentiated,
                    next_serial(),
                    [_described(each) for each in args],
                    _described(out),
                )
            )
            return out

        return timed

    def answered(self, plugin: str) -> None:
        """Note who answered the call that is about to end."""
        self.answers[get_ident()] = plugin

    @contextmanager
    def scope(self, kind: str, subject: Any) -> Iterator[None]:
        """Note a stretch with a name."""
        if not self.recording:
            yield
            return
        outer = self.inner.get()
        parent = None if outer is NOWHERE else outer
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
        if (scope := self.inner.get()) is not NOWHERE:
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


def _followed(call: Kernel, born: Callable[[Any], None]) -> Kernel:
    def followed(*args: Any) -> Any:
        out = call(*args)
        born(out)
        return out

    return followed


def _described(value: Any) -> Any:
    """What may be kept of a value that a call took or gave: of arrays shape and dtype."""
    if type(value) is ndarray:
        return value.shape, value.dtype
    if type(value) is list or type(value) is tuple:
        return [_described(each) for each in value]
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return value.shape, value.dtype
    return value if type(value) in PLAIN else type(value).__name__
