"""Tracing: which ops a model calls on which values, found by running it once.

What changes the structure of models (folding, quantizing, removing channels) must know what depends on what. The
model's own calls say it, whatever its Python looks like: loops, skips and shared layers come out as a list of calls.
Left out is what the input's numbers decide: a trace is of one input, and Python's numbers in it stay as they were.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.autograd import enable_grad
from tinytorch.core.module import Module
from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.inplace import written_since
from tinytorch.core.tensor.op import next_serial
from tinytorch.plugins import Instrument, instrumented
from tinytorch.plugins.instruments import NOTHING

if TYPE_CHECKING:
    from tinytorch.plugins.registry import Declared
    from tinytorch.types import Array, DType, Kernel, Shape


@dataclass(frozen=True, eq=False)
class Value:
    """An array that a model was given, holds, or made."""

    index: int  # counted in the order in which they were seen
    shape: Shape
    dtype: DType
    name: str | None = None  # of a parameter or buffer, as in the state dict; of what the program made otherwise: None
    # of parameters, buffers and what is computed of them; what depends on the input has none
    array: Array | None = None

    @property
    def is_constant(self) -> bool:
        """Whether it does not depend on the model's input."""
        return self.array is not None


@dataclass(frozen=True, eq=False)
class Call:
    """One call of an op."""

    op: str
    inputs: tuple[Any, ...]  # in the op's order: values, lists of values, and Python's numbers, tuples, None
    outputs: tuple[Value, ...]
    module: str  # the dotted name of the innermost module that called it, "" for the model itself

    @property
    def values(self) -> list[Value]:
        """The inputs that are values, those in lists among them."""
        return [each for each in _flat(self.inputs) if isinstance(each, Value)]


@dataclass(frozen=True)
class Graph:
    """What a model does with its inputs: calls in their order, each of which uses only what is there before it."""

    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]  # the tensors in what the model returned, in order
    calls: tuple[Call, ...] = field(repr=False)

    def users(self, value: Value) -> list[Call]:
        """Return the calls that take this value."""
        return [call for call in self.calls if any(each is value for each in call.values)]

    def maker(self, value: Value) -> Call | None:
        """Return the call that gave this value; None for inputs and constants."""
        return next((call for call in self.calls if any(each is value for each in call.outputs)), None)


def trace(model: Module, *inputs: Tensor) -> Graph:
    """Run the model once on the inputs, in its present mode, and return what it called.

    Raises ValueError where something was written in place that no op had made: what was written is unknown.
    """
    for each in inputs:
        if not isinstance(each, Tensor):
            raise TypeError(f"trace: expected tensors as inputs, got {type(each).__name__}")
    tracer = _Tracer(model)
    given = tuple([tracer.made(each.array) for each in inputs])
    with enable_grad(), instrumented(tracer):  # without gradients, blocks may split arrays outside of ops
        out = model(*inputs)
    outputs = tuple([tracer.known(each.array) for each in _flat(out) if isinstance(each, Tensor)])
    return Graph(given, outputs, tuple(tracer.calls))


class _Tracer(Instrument):
    """Notes every call of an op that no other op made."""

    name = "trace"

    def __init__(self, model: Module) -> None:
        self.calls: list[Call] = []
        self.module = ""
        self.inside = False  # of an op: what a kernel calls is not the model's
        self._modules = {id(module): name for name, module in model.named_modules()}
        self._names = {id(each.array): name for name, each in _tensors(model)}
        self._seen: dict[int, tuple[Value, Array, int]] = {}  # by id: what it is, the array, kept alive, and when
        self._count = 0

    def wrap_op(self, op: Declared, call: Kernel) -> Kernel:
        """Note the calls of one op."""

        def noted(*args: Any) -> Any:
            if self.inside:
                return call(*args)
            self.inside = True
            try:
                out = _as_arrays(call(*args))
            finally:
                self.inside = False
            taken = tuple([self._described(arg) for arg in args])
            gave = args if op.inplace else _flat(out)
            fixed = all(each.is_constant for each in _flat(taken) if isinstance(each, Value))
            outputs = tuple([self.made(each, fixed=fixed) for each in gave if isinstance(each, np.ndarray)])
            self.calls.append(Call(op.name, taken, outputs, self.module))
            return out

        return noted

    def scope(self, kind: str, subject: Any) -> AbstractContextManager[Any]:
        """Remember which module is running."""
        return self._running(self._modules.get(id(subject), self.module)) if kind == "module" else NOTHING

    @contextmanager
    def _running(self, name: str) -> Iterator[None]:
        before, self.module = self.module, name
        yield
        self.module = before

    def made(self, array: Array, *, fixed: bool = False) -> Value:
        """A new value for an array that was given or computed; fixed: it does not depend on the input."""
        return self._remember(array, None, array if fixed else None)

    def known(self, array: Array) -> Value:
        """The value of an array; one that was never seen is a constant."""
        if id(array) in self._seen:
            value, _, since = self._seen[id(array)]
            return value if not written_since(array, since) else self._written(array)
        return self._remember(array, self._names.get(id(array)), array)

    def _remember(self, array: Array, name: str | None, kept: Array | None) -> Value:
        value = Value(self._count, array.shape, array.dtype, name, kept)
        self._seen[id(array)] = value, array, next_serial()
        self._count += 1
        return value

    def _written(self, array: Array) -> Value:
        """The value that was copied into an array: what the last op gave that is like it."""
        for value, made, since in reversed(self._seen.values()):
            alike = made.shape == array.shape and made.dtype == array.dtype and not written_since(made, since)
            if alike and np.array_equal(made, array, equal_nan=array.dtype.kind in "fc"):
                self._seen[id(array)] = value, array, next_serial()
                return value
        raise ValueError(
            f"trace: a tensor of shape {array.shape} was written in place in '{self.module or 'the model'}', "
            f"and not with the result of an op; write the model without that"
        )

    def _described(self, arg: Any) -> Any:
        if isinstance(arg, np.ndarray):
            return self.known(arg)
        return [self._described(each) for each in arg] if type(arg) is list else arg


def _tensors(model: Module) -> Iterator[tuple[str, Tensor]]:
    yield from model.named_parameters()
    yield from model.named_buffers()


def _as_arrays(out: Any) -> Any:
    """What a kernel gave, with numpy's 0-d scalars as the arrays that tensors will hold."""
    if isinstance(out, tuple):
        return tuple([_as_arrays(each) for each in out])
    return np.asarray(out) if isinstance(out, np.generic) else out


def _flat(value: Any) -> Iterator[Any]:
    """What stands in lists, tuples and mappings, however deep."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for each in value:
            yield from _flat(each)
    else:
        yield value
