"""Fusion: a model as a list of layers, each with what belongs to it; batch norms folded, activations at their layers.

Integers are rounded once where a layer ends, so that what a convolution, its batch norm and its ReLU compute has to be
one layer. The model is traced, whatever its Python looks like; what has no layer of its own stays the op that it is.
Calibration, training with rounding, equalization and bias correction all work on this list.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.activations import ELU, Hardsigmoid, Hardswish, LeakyReLU, ReLU6
from tinytorch.core.autograd import no_grad
from tinytorch.core.layers import BatchNorm2d, ModuleList
from tinytorch.core.module import Module, Parameter
from tinytorch.core.tensor import Tensor
from tinytorch.tracing import Call, Graph, Value, trace
from tinytorch_quant.layers import (
    Add,
    AvgPool,
    Convolution,
    Elementwise,
    FullyConnected,
    Layer,
    MaxPool,
    Operation,
    OpModule,
    Reshape,
    SoftMax,
    Weighted,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinytorch.types import Array

NO_PADDING = (0, 0), (0, 0)
SAME = 1e-3  # share of the largest output by which the list may differ from the model: folding rounds in another order
ELEMENTWISE = ("sigmoid", "tanh", "silu", "gelu", "softplus", "exp", "negative", "absolute", "relu", "clip")
ACTIVATIONS = (ReLU6, LeakyReLU, ELU, Hardsigmoid, Hardswish)  # which are several ops


class FusedModel(Module):
    """Layers, each of which reads values by number: 0 is the input, i what layer i - 1 gave; the last is the output."""

    def __init__(self, layers: Sequence[Layer], sources: Sequence[tuple[int, ...]], names: Sequence[str]) -> None:
        super().__init__()
        self.layers = ModuleList(layers)
        self.sources, self.names = tuple(sources), tuple(names)
        self.activations: ModuleList | None = None  # what stands behind each value in training with rounding

    def forward(self, input: Tensor) -> Tensor:
        """Compute the model: (batch, ...) -> (batch, ...)."""
        values = [self._passed(0, input)]
        for number, (layer, sources) in enumerate(zip(self.layers, self.sources, strict=True), start=1):
            values.append(self._passed(number, layer(*[values[source] for source in sources])))
        return values[-1]

    def _passed(self, number: int, value: Tensor) -> Tensor:
        return value if self.activations is None else self.activations[number](value)

    def weighted(self) -> list[tuple[int, str, Weighted]]:
        """The layers with weights: the number of what they give, their name, themselves."""
        named = zip(self.names, self.layers, strict=True)
        return [(i, name, layer) for i, (name, layer) in enumerate(named, start=1) if isinstance(layer, Weighted)]

    def users(self, number: int) -> list[int]:
        """The numbers of what is computed from a value."""
        return [i for i, sources in enumerate(self.sources, start=1) if number in sources]


def fuse(model: Module, example: Tensor, *, fold: bool = True) -> FusedModel:
    """Return the evaluation of a model as a list of layers with weights of its own; the model is not changed.

    `example` is a batch of inputs, two at least. Without `fold` batch norms stay beside their convolutions, for
    training. Raises ValueError where the list does not compute what the model does, for the batch and for one sample.
    """
    if not isinstance(example, Tensor) or example.ndim < 2 or example.shape[0] < 2:
        told = example.shape if isinstance(example, Tensor) else type(example).__name__
        raise ValueError(f"fuse: expected a batch of two inputs at least as an example, got {told}")
    still = copy.deepcopy(model).eval()
    with no_grad():
        expected = still(example)
    fused = _Fuser(still, trace(still, example), example.shape[0]).fused().eval()
    _check_same(fused, still, example, expected)
    return fold_batch_norms(fused) if fold else fused


def fold_batch_norms(model: FusedModel) -> FusedModel:
    """Put every batch norm into the weights before it, in place; return the model."""
    for _, _, layer in model.weighted():
        if layer.norm is not None:
            weight, bias = layer.folded()
            layer.norm = None
            layer.weight = Parameter(weight.detach())
            layer.bias = Parameter(bias.detach())
    return model


def _check_same(fused: FusedModel, model: Module, example: Tensor, expected: Any) -> None:
    with no_grad():
        for part, told in ((example, expected), (example[:1], None)):
            told = model(part) if told is None else told
            try:
                out = fused(part)
            except ValueError as error:
                raise ValueError(f"fuse: the model's trace serves one batch size only: {error}") from error
            if not isinstance(told, Tensor) or told.shape != out.shape:
                raise ValueError("fuse: expected a model that gives one tensor of its batch")
            near = SAME * max(float(np.abs(told.array).max(initial=0.0)), 1e-30)
            if np.isfinite(told.array).all() and not (np.abs(out.array - told.array) <= near).all():
                raise ValueError("fuse: the model's trace depends on its input; it cannot be a list of layers")


class _Fuser:
    """Goes through a trace and makes layers of it."""

    def __init__(self, model: Module, graph: Graph, batch: int) -> None:
        if len(graph.inputs) != 1 or len(graph.outputs) != 1 or graph.outputs[0].is_constant:
            raise ValueError("fuse: expected a model of one input and one output that depends on it")
        self.modules = dict(model.named_modules())
        self.graph, self.batch = graph, batch
        self.numbers = {graph.inputs[0].index: 0}
        self.layers: list[Layer] = []
        self.sources: list[tuple[int, ...]] = []
        self.names: list[str] = []

    def fused(self) -> FusedModel:
        for call in self._calls():
            if not all(out.is_constant for out in call.outputs) and not self._joined(call):
                self._add(call, *self._layer(call))
        output = self.numbers[self.graph.outputs[0].index]
        if output != len(self.layers):  # something was computed that nobody needs, or the input itself comes out
            raise ValueError("fuse: expected that the last layer gives the output")
        return FusedModel(self.layers, self.sources, self.names)

    def _calls(self) -> Iterator[Call]:
        """The calls, those of an activation of several ops as one, whose op is "activation"."""
        for _, group in groupby(self.graph.calls, key=self._activation):
            calls = list(group)
            x = next((each for each in calls[0].values if not each.is_constant), None)
            if self._activation(calls[0]) is None or x is None:
                yield from calls
            else:
                yield Call("activation", (x,), calls[-1].outputs, calls[0].module)

    def _activation(self, call: Call) -> str | None:
        return call.module if isinstance(self.modules.get(call.module), ACTIVATIONS) else None

    def _add(self, call: Call, layer: Layer, inputs: list[Value]) -> None:
        self.layers.append(layer)
        self.sources.append(tuple(self._number(call, value) for value in inputs))
        same = sum(name == call.module or name.startswith(f"{call.module}:") for name in self.names)
        self.names.append(call.module if not same and call.module else f"{call.module}:{call.op}{same or ''}")
        self.numbers[call.outputs[0].index] = len(self.layers)

    def _number(self, call: Call, value: Value) -> int:
        if value.index not in self.numbers:
            raise ValueError(f"fuse: '{call.op}' in '{call.module}' takes a second output, which no layer gives")
        return self.numbers[value.index]

    def _joined(self, call: Call) -> bool:
        """Let a batch norm or a limit belong to the layer before it, if nobody else reads that."""
        source = call.inputs[0] if call.inputs else None
        if not isinstance(source, Value) or self.numbers.get(source.index, 0) == 0:
            return False
        number = self.numbers[source.index]
        layer = self.layers[number - 1]
        if call.op == "divide" and isinstance(layer, AvgPool) and _counts(self.graph, source) is not None:
            self.numbers[call.outputs[0].index] = number
            return True
        users = {call.module if self._activation(call) else id(call) for call in self.graph.users(source)}
        alone = len(users) == 1 and source is not self.graph.outputs[0]
        if not alone or layer.limits is not None or not layer.takes_limits:
            return False
        if call.op == "batch_norm_inference" and isinstance(layer, Weighted) and layer.norm is None:
            layer.norm = _batch_norm(call)
        elif call.op == "relu":
            layer.limits = (0.0, None)
        elif call.op == "activation" and isinstance(self.modules[call.module], ReLU6):
            layer.limits = (0.0, 6.0)
        elif call.op == "clip" and not [each for each in call.inputs[1:] if isinstance(each, Value)]:
            layer.limits = (call.inputs[1], call.inputs[2])
        else:
            return False
        self.numbers[call.outputs[0].index] = number
        return True

    def _layer(self, call: Call) -> tuple[Layer, list[Value]]:
        """The layer of a call and the values that it reads."""
        x = call.inputs[0]
        variable = [each for each in call.values if not each.is_constant]
        if variable == [x]:
            rest = call.inputs[1:]
            weights = all(each is None or (isinstance(each, Value) and each.is_constant) for each in rest[:2])
            if call.op == "conv2d" and weights:
                return Convolution(*map(_parameter, rest[:2]), *rest[2:]), variable
            if call.op == "linear" and weights:
                return FullyConnected(*map(_parameter, rest[:2])), variable
            if call.op == "max_pool2d" and rest[3] == (1, 1):
                return MaxPool(*rest[:3]), variable
            if call.op == "reduce_mean" and x.shape[2:] and len(x.shape) == 4 and rest == ((2, 3), True):
                return AvgPool(x.shape[2:], (1, 1)), variable
            if call.op == "sum_pool2d" and rest[2] == NO_PADDING and _counts(self.graph, call.outputs[0]) is not None:
                return AvgPool(*rest[:2]), variable
            if call.op == "activation":
                return Elementwise(self.modules[call.module]), variable
            if call.op == "reshape_to" and rest[0][:1] == (self.batch,) == x.shape[:1]:
                return Reshape((-1, *rest[0][1:])), variable
            if call.op == "softmax" and rest == (len(x.shape) - 1,):
                return SoftMax(), variable
            if call.op in ELEMENTWISE and not [each for each in rest if isinstance(each, Value)]:
                return Elementwise(OpModule(call.op, rest)), variable
        if call.op == "add" and len(variable) == 2 and variable[0].shape == variable[1].shape:
            return Add(), variable
        return self._operation(call), variable

    def _operation(self, call: Call) -> tuple[Layer, list[Value]]:
        arguments, count = list[Any](), 0
        for each in call.inputs:
            if isinstance(each, list):
                raise ValueError(f"fuse: '{call.op}' in '{call.module}' takes a list of tensors, which no layer does")
            if isinstance(each, Value) and not each.is_constant:
                arguments.append(Operation.VALUE)
                count += 1
            else:
                arguments.append(Tensor(_array(each)) if isinstance(each, Value) else each)
        return Operation(call.op, arguments)


def _counts(graph: Graph, sums: Value) -> float | None:
    """By what the sums of a pooling are divided, if that is how many numbers each has, and nobody else reads them."""
    users, maker = graph.users(sums), graph.maker(sums)
    if len(users) != 1 or users[0].op != "divide" or maker is None or maker.op != "sum_pool2d":
        return None
    divisor, (height, width) = users[0].inputs[1], maker.inputs[1]
    known = isinstance(divisor, Value) and divisor.array is not None and users[0].inputs[0] is sums
    return height * width if known and bool((divisor.array == height * width).all()) else None


def _array(value: Value) -> Array:
    assert value.array is not None
    return value.array.copy()


def _parameter(value: Value | None) -> Parameter | None:
    return None if value is None else Parameter(Tensor(_array(value)))


def _batch_norm(call: Call) -> BatchNorm2d:
    mean, variance, weight, bias = (None if each is None else _array(each) for each in call.inputs[1:5])
    assert mean is not None
    assert variance is not None
    norm = BatchNorm2d(len(mean), call.inputs[5], affine=True)
    norm.running_mean.array, norm.running_var.array = mean, variance
    norm.weight.array = np.ones_like(mean) if weight is None else weight
    norm.bias.array = np.zeros_like(mean) if bias is None else bias
    return norm
