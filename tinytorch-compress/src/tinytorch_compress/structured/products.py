"""Rules of products: what comes in goes with the weight's inner axis, what goes out has the labels of its outer one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tinytorch_compress.structured.flow import Flow, Operand, said
from tinytorch_compress.structured.labels import axes_of

if TYPE_CHECKING:
    from tinytorch.tracing import Call, Value
    from tinytorch.types import Array


def linear(flow: Flow, call: Call) -> list[Array]:
    """Columns of the weight go with what comes in, rows are what goes out."""
    x, weight, bias = call.inputs
    ndim = len(x.shape)
    passing = _contracted(flow, x, ndim - 1, weight, 1, said(call))
    return [*passing, *_outer(flow, weight, bias, call, ndim - 1)]


def matmul(flow: Flow, call: Call) -> list[Array]:
    """As `linear`, with matrices for each place of the axes before."""
    a, b = call.inputs
    if min(len(a.shape), len(b.shape)) < 2:
        for each in (a, b):
            flow.freeze(each, said(call))
        return []
    ndim = len(call.outputs[0].shape)
    _contracted(flow, a, len(a.shape) - 1, b, len(b.shape) - 2, said(call))
    rows, columns = flow.operand(a, ndim), flow.operand(b, ndim)
    left = [each for each in rows.layers if each.shape[-1] == 1]
    right = [each for each in columns.layers if each.shape[-2] == 1]
    operands = [
        Operand(left, (*rows.shape[:-1], 1)),
        Operand(right, (*columns.shape[:-2], 1, columns.shape[-1])),
    ]
    return flow.together(operands, said(call))


def _contracted(flow: Flow, x: Value, inner: int, weight: Value, other: int, reason: str) -> list[Array]:
    """Tie the axes over which a product sums; return the layers of x that it does not touch."""
    found = []
    for value, axis in ((x, inner), (weight, other)):
        for layer in flow.layers(value):
            if layer.shape[axis] > 1 and len(axes_of(layer)) > 1:
                flow.labels.whole(layer, [axis], reason)
        found.append([layer for layer in flow.layers(value) if layer.shape[axis] > 1])
    if all(found):
        flow.labels.unite(found[0][0].ravel(), found[1][0].ravel(), reason)
    else:
        for layer in (*found[0], *found[1]):
            flow.labels.freeze(layer, reason)
    return [layer for layer in flow.layers(x) if layer.shape[inner] == 1]


def _outer(flow: Flow, weight: Value, bias: Value | None, call: Call, axis: int) -> list[Array]:
    """What goes out of a product along an axis: the labels of the weight's rows, with the bias's."""
    out = call.outputs[0].shape
    shape = tuple([n if place == axis else 1 for place, n in enumerate(out)])
    operands = [
        Operand([layer.reshape(shape) for layer in flow.layers(each) if axes_of(layer) == (0,)], shape)
        for each in (weight, bias)
        if each is not None
    ]
    return flow.together(operands, said(call))


def conv2d(flow: Flow, call: Call) -> list[Array]:
    """As `linear` for channels; where channels are grouped, a group is removed as one."""
    x, weight, bias, *_, groups = call.inputs
    spatial = flow.mixed(x, (2, 3), said(call))
    for layer in flow.layers(weight):
        if axes_of(layer) not in ((0,), (1,)):  # the window's size
            flow.labels.freeze(layer, said(call))
    if groups == 1:
        _contracted(flow, x, 1, weight, 1, said(call))
    else:
        _in_groups(flow, [each for each in spatial if each.shape[1] > 1], flow.layers(weight), groups, said(call))
    return [*[each for each in spatial if each.shape[1] == 1], *_outer(flow, weight, bias, call, 1)]


def _in_groups(flow: Flow, channels: list[Array], weight: list[Array], groups: int, reason: str) -> None:
    """Unite all that comes in and goes out of each group; within a group nothing is removed."""
    rows = [layer for layer in weight if axes_of(layer) == (0,)]
    inner = [layer for layer in weight if axes_of(layer) != (0,)]
    fit = channels and rows and axes_of(channels[0]) == (1,)
    for layer in inner if fit else (*inner, *channels, *rows):
        flow.labels.freeze(layer, reason)
    if fit:
        into, out_of = in_blocks(channels[0], groups), in_blocks(rows[0], groups)
        flow.labels.unite(into, into[:, :1], reason)
        flow.labels.unite(out_of, into[:, :1], reason)


def attention(flow: Flow, call: Call) -> list[Array]:
    """Heads are removed whole: a key head with all queries that share it."""
    q, k, v, mask = call.inputs[:4]
    found = [flow.mixed(value, (0, 2, 3), said(call)) for value in (q, k, v)]
    masked = mask is not None and (flow.layers(mask) or mask.shape[1] > 1)
    if mask is not None:
        flow.freeze(mask, said(call))
    if masked or not all(found):
        for layers in found:
            for layer in layers:
                flow.labels.freeze(layer, said(call))
        return []
    queries, keys, values = [layers[0].ravel() for layers in found]
    flow.labels.unite(keys, values, said(call))
    flow.labels.unite(in_blocks(queries, len(keys)), keys[:, None], said(call))
    return [queries.reshape(1, -1, 1, 1)]


def in_blocks(labels: Array, count: int) -> Array:
    """Labels in so many blocks of equal size: (count, size)."""
    return labels.reshape(count, math.prod(labels.shape) // count)
