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
from typing import TYPE_CHECKING, Any
from weakref import ref

from numpy import ndarray

from tinytorch.core.module import Module
from tinytorch.core.tensor.op import BinaryOp, Node, UnaryOp, next_serial
from tinytorch.plugins import Instrument
from tinytorch.plugins.manager import CORE
from tinytorch_profiling.events import Raw, Scope
from tinytorch_profiling.lifetimes import Lifetimes

if TYPE_CHECKING:
    from tinytorch.plugins.registry import Declared
    from tinytorch.types import Kernel

Note = Callable[[int, int, Sequence[Any]], None]  # when a call began and ended, what it took and gave
PLAIN = frozenset({int, float, bool, str, type(None)})


NOWHERE = Scope("range", "", None, 0, 0)  # where no scope is open
FIELDS = len(Raw._fields)
NEVER = (CORE, 0)  # who answered, and when


class Recorder(Instrument):
    """Notes calls and scopes while `recording` is set, and if asked when arrays come and go."""

    name = "profile"

    def __init__(self, *, memory: bool = False) -> None:
        self.recording = False
        self.began = self.ended = 0  # the recording that goes on, or went on last
        self.lifetimes = Lifetimes() if memory else None
        self.noted: list[Any] = []  # the fields of one call after the other: the garbage collector has less to look at
        self.seen: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        self.scopes: list[Scope] = []  # that have ended
        self.open: dict[int, Scope] = {}
        self.inner: ContextVar[Scope] = ContextVar("inner", default=NOWHERE)
        self.answers: dict[int, tuple[str, int]] = {}  # by thread: the plugin that answered last, and when
        self.roots: dict[int, tuple[ref[Module], dict[int, str]]] = {}  # outermost modules and the paths of their parts

    def start(self) -> int:
        """Record from now on."""
        self.recording, self.began = True, perf_counter_ns()
        return self.began

    def stop(self) -> int:
        """Record no longer."""
        self.recording, self.ended = False, perf_counter_ns()
        if self.lifetimes is not None:
            self.lifetimes.rest()
        return self.ended

    def calls(self) -> Iterator[Raw]:
        """Give the calls that were noted, in the order in which they ended."""
        noted = self.noted[:]
        return (Raw._make(noted[place : place + FIELDS]) for place in range(0, len(noted), FIELDS))

    def forget(self) -> None:
        """Begin anew; what is open stays open."""
        self.noted.clear()
        self.scopes.clear()
        if self.lifetimes is not None:
            self.lifetimes.forget()

    def wrap_op(self, op: Declared, call: Kernel) -> Kernel:
        """Note when the op began and ended, and of its arrays the shapes and dtypes."""
        timed = self._one if isinstance(op, UnaryOp) else self._two if isinstance(op, BinaryOp) else self._many
        born = None if self.lifetimes is None else self.lifetimes.born
        noted = timed(call, self._noting(op.name))
        return noted if born is None else _followed(noted, born)

    def _one(self, call: Kernel, note: Note) -> Kernel:
        """Time an op on one array: small ones notice what is done for any number of them.

        Of equal shapes and dtypes one tuple is kept: fresh memory, and what the garbage collector must look at, cost
        more than looking it up.
        """
        clock, seen = perf_counter_ns, self.seen

        def timed(x: Any) -> Any:
            if not self.recording:
                return call(x)
            start = clock()
            out = call(x)
            end = clock()
            try:
                arrays = x.shape, x.dtype, out.shape, out.dtype
            except AttributeError:  # a number, which kernels take, too
                note(start, end, [[_described(x)], _described(out)])
            else:
                note(start, end, seen.get(arrays) or seen.setdefault(arrays, arrays))
            return out

        return timed

    def _two(self, call: Kernel, note: Note) -> Kernel:
        """Time an op on two arrays."""
        clock, seen = perf_counter_ns, self.seen

        def timed(a: Any, b: Any) -> Any:
            if not self.recording:
                return call(a, b)
            start = clock()
            out = call(a, b)
            end = clock()
            try:
                arrays = a.shape, a.dtype, b.shape, b.dtype, out.shape, out.dtype
            except AttributeError:
                note(start, end, [[_described(a), _described(b)], _described(out)])
            else:
                note(start, end, seen.get(arrays) or seen.setdefault(arrays, arrays))
            return out

        return timed

    def _many(self, call: Kernel, note: Note) -> Kernel:
        """Time any other op."""
        clock = perf_counter_ns

        def timed(*args: Any) -> Any:
            if not self.recording:
                return call(*args)
            start = clock()
            out = call(*args)
            note(start, clock(), [[_described(each) for each in args], _described(out)])
            return out

        return timed

    def _noting(self, op: str) -> Note:
        """Make what notes a call of an op; all that it asks is at hand, since it runs once a call."""
        extend, answers, inner, ident = self.noted.extend, self.answers, self.inner.get, get_ident

        def note(start: int, end: int, arrays: Sequence[Any]) -> None:
            thread, scope = ident(), inner()
            plugin, answered = answers.get(thread, NEVER) if answers else NEVER
            if answered < start:
                plugin = CORE
            extend((op, start, end, thread, plugin, scope, scope.differentiated, next_serial(), arrays))

        return note

    def answered(self, plugin: str) -> None:
        """Note who answered the call that is about to end."""
        self.answers[get_ident()] = plugin, perf_counter_ns()

    @contextmanager
    def scope(self, kind: str, subject: Any) -> Iterator[None]:
        """Note a stretch with a name, if something was recorded in it."""
        outer = self.inner.get()
        parent = None if outer is NOWHERE else outer
        scope = Scope(kind, "", parent, get_ident(), perf_counter_ns())
        scope.name = self._module(subject, scope) if kind == "module" else _name(kind, subject)
        self.open[id(scope)] = scope
        token = self.inner.set(scope)
        try:
            yield
        finally:
            self.inner.reset(token)
            scope.end = perf_counter_ns()
            del self.open[id(scope)]
            if self.recording or scope.start < self.ended:
                self.scopes.append(scope)

    def differentiating(self, node: Node) -> None:
        """Note whose derivative the next calls are."""
        if (scope := self.inner.get()) is not NOWHERE:
            scope.differentiated = (node.serial, node.op.name)

    def _module(self, module: Module, scope: Scope) -> str:
        """The path of a module from the outermost one that is being called, which has the name of its class."""
        outer = scope.parent and scope.parent.enclosing("module")
        if outer is None:
            scope.paths = self._paths(module)
        else:
            scope.paths = outer.paths
            scope.paths.setdefault(id(module), f"{outer.name}.{type(module).__name__}")  # made while the model runs
        return scope.paths[id(module)]

    def _paths(self, root: Module) -> dict[int, str]:
        """The paths of all parts of an outermost module; of several of one class the later ones have numbers."""
        known, paths = self.roots.get(id(root), (lambda: None, {}))
        if known() is not root:
            alike = sum(type(other()) is type(root) for other, _ in self.roots.values())
            name = f"{type(root).__name__}#{alike + 1}" if alike else type(root).__name__
            paths = {id(part): f"{name}.{path}" if path else name for path, part in root.named_modules()}
            self.roots[id(root)] = ref(root), paths
        return paths


def _name(kind: str, subject: Any) -> str:
    return subject if isinstance(subject, str) else kind if subject is None else type(subject).__name__


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
