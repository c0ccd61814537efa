"""Rules of ops that move numbers: they move labels, by the same kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.plugins import registry
from tinytorch_compress.structured.flow import Flow, Operand, full, said
from tinytorch_compress.structured.labels import NONE, axes_of

if TYPE_CHECKING:
    from tinytorch.tracing import Call, Value
    from tinytorch.types import Array


def moved(flow: Flow, call: Call) -> list[Array]:
    """Labels go where their numbers go."""
    x, *options = call.inputs
    kernel = registry.find(call.op).kernel
    return [kernel(full(layer, x.shape), *options) for layer in flow.layers(x)]


def sliced(flow: Flow, call: Call) -> list[Array]:
    """A slice of an axis keeps to its part: equal parts lose the same places, so that they stay equal."""
    x, index = call.inputs
    layers = []
    for layer in flow.layers(x):
        axes = axes_of(layer)
        for axis, item in enumerate(_by_axis(index, len(x.shape))):
            layer = _cut(flow, layer, axis, item, said(call)) if axis in axes else layer
        layers.append(full(layer, x.shape)[index])
    return [layer for layer in layers if layer.size]


def _cut(flow: Flow, layer: Array, axis: int, item: Any, reason: str) -> Array:
    size = layer.shape[axis]
    start, stop, step = item.indices(size) if isinstance(item, slice) else (item, item + 1, 1)
    part = stop - start
    if isinstance(item, slice) and step == 1 and part > 1 and size % part == 0 == start % part:
        flow.labels.unite(layer, layer.take(np.arange(size) % part, axis), reason)
        return layer
    return flow.labels.whole(layer, [axis], reason)


def _by_axis(index: tuple[Any, ...], ndim: int) -> list[Any]:
    """What the index says of each axis of what it cuts."""
    items = [item for item in index if item is not None]
    if Ellipsis not in items:
        return items
    place = items.index(Ellipsis)
    return [*items[:place], *[slice(None)] * (ndim - len(items) + 1), *items[place + 1 :]]


def padded(flow: Flow, call: Call) -> list[Array]:
    """What is added has no label."""
    x, widths, _ = call.inputs
    return [
        np.pad(layer, [pair if n > 1 else (0, 0) for n, pair in zip(layer.shape, widths, strict=True)])
        for layer in flow.layers(x)
    ]


def joined(flow: Flow, call: Call) -> list[Array]:
    """Labels one behind the other along the axis; along others, as place by place."""
    values, dim = call.inputs
    ndim = len(call.outputs[0].shape)
    along = dim % ndim
    rest = [Operand([each for each in flow.layers(x) if each.shape[along] == 1], x.shape) for x in values]
    behind = [[each for each in flow.layers(x) if each.shape[along] > 1] for x in values]
    return [*flow.together(rest, said(call)), *([_one_behind_the_other(values, behind, along)] if any(behind) else [])]


def _one_behind_the_other(values: list[Value], behind: list[list[Array]], dim: int) -> Array:
    """The layers of each joined, those that are missing as numbers without labels."""
    shape = np.max([layer.shape for layers in behind for layer in layers], axis=0)
    parts = []
    for value, layers in zip(values, behind, strict=True):
        own = (*shape[:dim], value.shape[dim], *shape[dim + 1 :])
        parts.append(full(layers[0] if layers else np.full((1,) * len(own), NONE), own))
    return np.concatenate(parts, axis=dim)
