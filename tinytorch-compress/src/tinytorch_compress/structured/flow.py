"""The flow: parameters' labels carried through every call of a traced model.

The values of a graph are visited in the order in which the model made them. A rule for each op (see `rules`) says what
its output's layers are, and unites or freezes labels on the way. What no rule knows keeps all that goes in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tinytorch_compress.structured.labels import Labels, axes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tinytorch.tracing import Call, Graph, Value
    from tinytorch.types import Array, Shape

    Rule = Callable[["Flow", Call], list[Array]]


class Operand(NamedTuple):
    """What takes part in an elementwise call: its layers and its shape, with as many dimensions as the output."""

    layers: list[Array]
    shape: Shape


class Flow:
    """The layers of every value of a graph."""

    def __init__(self, graph: Graph, rules: dict[str, Rule]) -> None:
        self.labels = Labels()
        self.axes: dict[tuple[str, int], Array] = {}  # the labels of a parameter's axis
        self._layers: dict[int, list[Array]] = {}  # by a value's index
        used = {value.index for values in (graph.outputs, *[call.values for call in graph.calls]) for value in values}
        for call in graph.calls:
            known = not any(value.index in used for value in call.outputs[1:])  # of second outputs rules say nothing
            self._pass(call, rules.get(call.op) if known else None)
        for value in graph.outputs:
            self.freeze(value, "the model's output")
        for value in self._seen(graph):
            for layer in self.layers(value):
                if len(axes_of(layer)) > 1:
                    self.labels.freeze(layer, "a reshape that splits it")

    def _pass(self, call: Call, rule: Rule | None) -> None:
        if not any(self.layers(value) for value in call.values):
            return
        if rule is None:
            for value in call.values:
                self.freeze(value, f"the op {call.op} in '{call.module}'")
            return
        self._layers[call.outputs[0].index] = rule(self, call)

    def _seen(self, graph: Graph) -> list[Value]:
        values = {value.index: value for call in graph.calls for value in (*call.values, *call.outputs)}
        return list(values.values())

    def layers(self, value: Value) -> list[Array]:
        """The layers of a value as they are now, one for an axis at most; a single unit is frozen and left out."""
        if value.index not in self._layers:
            self._layers[value.index] = [] if value.name is None else self._of_parameter(value.name, value.shape)
        layers = [self.labels.compact(layer) for layer in self._layers[value.index]]
        axes = [axis for layer in layers for axis in axes_of(layer)]
        for layer in layers:
            if layer.size == 1:
                self.labels.freeze(layer, "nothing would be left beside it")
            elif len(set(axes)) < len(axes):
                self.labels.freeze(layer, "a reshape that merges it with others")
        self._layers[value.index] = [layer for layer in layers if layer.size > 1]
        return self._layers[value.index]

    def _of_parameter(self, name: str, shape: Shape) -> list[Array]:
        layers = []
        for axis, size in enumerate(shape):
            if size > 1:
                self.axes[name, axis] = labels = self.labels.new(size)
                layers.append(labels.reshape([size if i == axis else 1 for i in range(len(shape))]))
        return layers

    def freeze(self, value: Value, reason: str) -> None:
        """Let all labels of a value stay."""
        for layer in self.layers(value):
            self.labels.freeze(layer, reason)

    def kept(self, value: Value, axis: int, removed: Array) -> int:
        """How many places of an axis are left where these roots are removed."""
        for layer in self.layers(value):
            if axis % len(value.shape) in axes_of(layer):
                return int(np.count_nonzero(~np.isin(self.labels.find(layer), removed)))
        return value.shape[axis]

    def operand(self, value: Value, ndim: int) -> Operand:
        """A value as numpy would broadcast it to so many dimensions."""
        ones = (1,) * (ndim - len(value.shape))
        return Operand([layer.reshape(ones + layer.shape) for layer in self.layers(value)], ones + value.shape)

    def mixed(self, value: Value, axes: Sequence[int], reason: str) -> list[Array]:
        """The layers of a value where an op mixes what lies along these axes: it keeps their size."""
        places = {axis % len(value.shape) for axis in axes}
        found = [self.labels.whole(each, places & set(axes_of(each)), reason) for each in self.layers(value)]
        return [layer for layer in found if layer.size > 1]

    def together(self, operands: Sequence[Operand], reason: str) -> list[Array]:
        """The layers of what is computed place by place from operands of as many dimensions."""
        layers = self._apart([layer for each in operands for layer in each.layers], reason)
        merged: dict[tuple[int, ...], Array] = {}
        for layer in layers:
            first = merged.setdefault(axes_of(layer), layer)
            self.labels.unite(layer, first, reason)
        found = [self._fitting(layer, axes, operands, reason) for axes, layer in merged.items()]
        return [layer for layer in found if layer.size > 1]

    def _fitting(self, layer: Array, axes: tuple[int, ...], operands: Sequence[Operand], reason: str) -> Array:
        """The layer, whole along axes on which an operand has numbers without such labels."""
        for operand in operands:
            if not any(axes_of(self.labels.compact(each)) == axes for each in operand.layers):
                layer = self.labels.whole(layer, [axis for axis in axes if operand.shape[axis] > 1], reason)
        return layer

    def _apart(self, layers: list[Array], reason: str) -> list[Array]:
        """The layers so that two of them vary along the same axes or share none.

        Where they do not, such as labels of channels beside labels of heads, the first axis of each is what is cut.
        """
        layers = [each for each in map(self.labels.compact, layers) if each.size > 1]
        shared = [set(axes_of(a)) & set(axes_of(b)) for a in layers for b in layers if axes_of(a) != axes_of(b)]
        if not any(shared):
            return layers
        return [self.labels.whole(each, axes_of(each)[1:], reason) for each in layers]


def full(layer: Array, shape: Shape) -> Array:
    """The layer with the value's own shape."""
    out: Array = np.broadcast_to(layer, shape)
    return out


def said(call: Call) -> str:
    """The call as a reason names it."""
    return f"the op {call.op} in '{call.module}'"
