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
from tinytorch.core.layers import ModuleList
from tinytorch.core.module import Module, Parameter
from tinytorch.core.tensor import Tensor
from tinytorch.tracing import Call, Graph, Value, trace
from tinytorch_quant.layers import AvgPool, Layer, Weighted
from tinytorch_quant.translating import ACTIVATION, Scene, batch_norm, divided_by_its_size, layer_of

if TYPE_CHECKING:
    from collections.abc import Sequence


SAME = 1e-3  # share of the largest output by which the list may differ from the model: folding rounds in another order
ACTIVATIONS = (ReLU6, LeakyReLU, ELU, Hardsigmoid, Hardswish)  # which are several ops


class FusedModel(Module):
    """Layers, each of which reads values by number: 0 is the input, i what layer i - 1 gave; the last is the output."""

    def __init__(self, layers: Sequence[Layer], sources: Sequence[tuple[int, ...]], names: Sequence[str]) -> None:
        super().__init__()
        self.layers = ModuleList(layers)
        self.sources, self.names = tuple(sources), tuple(names)
        self.equalized = False  # whether `equalize` has scaled its channels
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
            layer.bias = None if bias is None else Parameter(bias.detach())
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
        self.graph, self.scene = graph, Scene(graph, dict(model.named_modules()), batch)
        self.numbers = {graph.inputs[0].index: 0}
        self.layers: list[Layer] = []
        self.sources: list[tuple[int, ...]] = []
        self.names: list[str] = []

    def fused(self) -> FusedModel:
        for call in self._calls():
            if not all(out.is_constant for out in call.outputs) and not self._joined(call):
                self._add(call, *layer_of(call, self.scene))
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
                yield Call(ACTIVATION, (x,), calls[-1].outputs, calls[0].module)

    def _activation(self, call: Call) -> str | None:
        return call.module if isinstance(self.scene.modules.get(call.module), ACTIVATIONS) else None

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
        if call.op == "divide" and isinstance(layer, AvgPool) and divided_by_its_size(self.graph, source):
            self.numbers[call.outputs[0].index] = number
            return True
        users = {call.module if self._activation(call) else id(call) for call in self.graph.users(source)}
        alone = len(users) == 1 and source is not self.graph.outputs[0]
        if not alone or layer.limits is not None or not layer.takes_limits:
            return False
        if call.op == "batch_norm_inference" and isinstance(layer, Weighted) and layer.norm is None:
            layer.norm = batch_norm(call)
        elif call.op == "relu":
            layer.limits = (0.0, None)
        elif call.op == ACTIVATION and isinstance(self.scene.modules[call.module], ReLU6):
            layer.limits = (0.0, 6.0)
        elif call.op == "clip" and not [each for each in call.inputs[1:] if isinstance(each, Value)]:
            layer.limits = (call.inputs[1], call.inputs[2])
        else:
            return False
        self.numbers[call.outputs[0].index] = number
        return True
