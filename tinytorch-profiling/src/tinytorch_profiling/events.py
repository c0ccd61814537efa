"""What a profile has seen: calls of ops, and the scopes that they were made in.

Times are nanoseconds of `time.perf_counter_ns`. Everything here is numbers and names: no array is kept, so that looking
at a program does not change what it holds in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, NamedTuple

import numpy as np

NO_MODULE = "(no module)"  # as tables name it


class Spec(NamedTuple):
    """An array without its numbers."""

    shape: tuple[int, ...]
    dtype: str

    @property
    def nbytes(self) -> int:
        """The bytes of its elements, each counted once."""
        return prod(self.shape) * np.dtype(self.dtype).itemsize


@dataclass(slots=True, eq=False)
class Scope:
    """A stretch of a program that has a name: a module's call, a backward, a step, or a range that somebody named."""

    kind: str  # module, backward, step, range
    name: str  # of a module: the class of the outermost one, then the path to this one
    parent: Scope | None
    thread: int
    start: int
    end: int = 0
    differentiated: tuple[int, str] | None = None  # whose derivative is being taken: a node's serial number and op
    paths: dict[int, str] = field(default_factory=dict, repr=False)  # of a module: of all parts of the outermost one

    def enclosing(self, *kinds: str) -> Scope | None:
        """The innermost scope of these kinds that this one lies in, or is."""
        scope: Scope | None = self
        while scope is not None and scope.kind not in kinds:
            scope = scope.parent
        return scope


class Raw(NamedTuple):
    """One call as it was noted; see `Call`."""

    op: str
    start: int
    end: int
    thread: int
    plugin: str
    scope: Scope
    differentiated: tuple[int, str] | None  # the node whose derivative was being taken: its serial number and op
    serial: int  # the node that records the call, if one does, has the next
    arrays: Sequence[Any]  # a tuple: shape, dtype, shape, ... of what it took and gave; or a list: see `parts`

    def parts(self) -> tuple[Sequence[Any], Any]:
        """What it took and what it gave: (shape, dtype) for an array, parameters as they were."""
        if isinstance(self.arrays, list):
            return self.arrays[0], self.arrays[1]
        pairs = list(zip(self.arrays[::2], self.arrays[1::2], strict=True))
        return pairs[:-1], pairs[-1]


@dataclass(slots=True, eq=False)
class Call:
    """One call of an op."""

    op: str
    inputs: tuple[Any, ...]  # in the op's order: a Spec for an array, lists of them, parameters as they were
    outputs: tuple[Spec, ...]
    start: int
    end: int
    thread: int
    plugin: str  # that answered, or "core"
    scope: Scope | None
    parent: Call | None = None  # the op whose kernel called this one
    derivative_of: Call | None = None  # the forward call whose derivative it belongs to
    self_time: int = 0  # without the ops that its kernel called

    @property
    def time(self) -> int:
        """Nanoseconds from its beginning to its end."""
        return self.end - self.start

    @property
    def phase(self) -> str:
        """Where in training: forward, backward or step."""
        scope = self.scope and self.scope.enclosing("backward", "step")
        return "forward" if scope is None else scope.kind

    @property
    def module(self) -> str:
        """The path of the innermost module that it belongs to; a derivative belongs to the forward call's."""
        scope = self.scope and self.scope.enclosing("module", "backward")
        if scope is not None and scope.kind == "module":
            return scope.name
        return self.derivative_of.module if self.derivative_of is not None else ""

    @property
    def nbytes(self) -> int:
        """The bytes of all arrays that it takes and gives."""
        return sum(spec.nbytes for spec in (*specs(self.inputs), *self.outputs))


@dataclass(slots=True)
class Recording:
    """All that was seen, in the order of beginning."""

    calls: list[Call] = field(default_factory=list)
    scopes: list[Scope] = field(default_factory=list)
    windows: list[tuple[int, int]] = field(default_factory=list)  # from when to when something was recorded
    thread: int = 0  # that the profile was opened in
    memory: list[tuple[int, int]] = field(default_factory=list)  # bytes alive of what ops gave, if that was followed

    @property
    def start(self) -> int:
        """When the first window began."""
        return self.windows[0][0] if self.windows else 0

    @property
    def wall(self) -> int:
        """Nanoseconds of all windows together."""
        return sum(end - start for start, end in self.windows)

    @property
    def outside(self) -> int:
        """Nanoseconds of the profile's own thread that no op took: Python around ops, and whatever else ran."""
        return self.wall - sum(call.self_time for call in self.calls if call.thread == self.thread)


def specs(inputs: tuple[Any, ...] | list[Any]) -> Iterator[Spec]:
    """The arrays among inputs, those in lists and tuples too."""
    for each in inputs:
        if isinstance(each, Spec):
            yield each
        elif isinstance(each, list | tuple):
            yield from specs(each)
