"""Rules: what each op does with the labels of what it takes.

Ops that move numbers move labels, by the same kernels. Ops that work place by place unite the labels at a place. Those
that mix numbers along an axis need all of it. Products tie what comes in to the weight's inner axis, and what goes out
has the labels of its outer one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.plugins import registry
from tinytorch_compress.structured.flow import Flow, Operand, full, in_blocks
from tinytorch_compress.structured.labels import NONE, axes_of

if TYPE_CHECKING:
    from tinytorch.tracing import Call, Value
    from tinytorch.types import Array
    from tinytorch_compress.structured.flow import Rule


def elementwise(flow: Flow, call: Call) -> list[Array]:
    """What removes a number of one input removes those that it is computed with."""
    ndim = len(call.outputs[0].shape)
    return flow.together([flow.operand(value, ndim) for value in call.values], said(call))


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
    out = flow.together(rest, said(call))
    sets = {axes_of(layer) for layers in behind for layer in layers}
    if len(sets) == 1 and not any(set(axes_of(layer)) & {*next(iter(sets))} for layer in out):
        return [*out, _one_behind_the_other(values, behind, along)]
    for layers in behind:
        for layer in layers:
            flow.labels.freeze(layer, said(call))
    return out


def _one_behind_the_other(values: list[Value], behind: list[list[Array]], dim: int) -> Array:
    """The layers of each joined, those that are missing as numbers without labels."""
    shape = np.max([layer.shape for layers in behind for layer in layers], axis=0)
    parts = []
    for value, layers in zip(values, behind, strict=True):
        own = (*shape[:dim], value.shape[dim], *shape[dim + 1 :])
        parts.append(full(layers[0] if layers else np.full((1,) * len(own), NONE), own))
    return np.concatenate(parts, axis=dim)


def reduced(flow: Flow, call: Call) -> list[Array]:
    """A sum or a mean needs all that it sums."""
    x, dims, keepdim = call.inputs
    layers = flow.mixed(x, dims, said(call))
    places = tuple({axis % len(x.shape) for axis in dims})
    return layers if keepdim else [layer.squeeze(places) for layer in layers]


def mixing(flow: Flow, call: Call) -> list[Array]:
    """What is computed along one axis needs all of it: the op's second argument says which."""
    x, axis = call.inputs[:2]
    return flow.mixed(x, [axis], said(call))


def normalized(flow: Flow, call: Call) -> list[Array]:
    """Norms of layers need all that they average; weight and bias lie over the last axes."""
    x, *affine, ndim, _ = call.inputs
    size = len(x.shape)
    layers = flow.mixed(x, range(size - ndim, size), said(call))
    learned = [flow.operand(each, size) for each in affine if each is not None]
    return flow.together([Operand(layers, x.shape), *learned], said(call))


def normalized_by_channel(flow: Flow, call: Call) -> list[Array]:
    """Norms of batches keep to the channel, axis 1, as all that they learn does."""
    x, *learned, _ = call.inputs
    operands = [Operand(flow.mixed(x, [i for i in range(len(x.shape)) if i != 1], said(call)), x.shape)]
    for each in learned:
        if each is not None:
            shape = (1, *each.shape, *[1] * (len(x.shape) - 2))
            operands.append(Operand([layer.reshape(shape) for layer in flow.layers(each)], shape))
    return flow.together(operands, said(call))


def pooled(flow: Flow, call: Call) -> list[Array]:
    """Windows mix pixels, not channels."""
    return flow.mixed(call.inputs[0], (2, 3), said(call))


def turned(flow: Flow, call: Call) -> list[Array]:
    """Rotary positions turn pairs of numbers within a head."""
    x, cos, sin, _ = call.inputs
    for each in (cos, sin):
        flow.freeze(each, said(call))
    return flow.mixed(x, [-1], said(call))


def looked_up(flow: Flow, call: Call) -> list[Array]:
    """A table keeps its rows; what is found has the labels of its columns."""
    weight, indices = call.inputs
    flow.freeze(indices, said(call))
    layers = []
    for layer in flow.layers(weight):
        if layer.shape[0] > 1:
            flow.labels.freeze(layer, said(call))
        else:
            layers.append(layer.reshape(*[1] * len(indices.shape), layer.size))
    return layers


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


def said(call: Call) -> str:
    """The call as a reason names it."""
    return f"the op {call.op} in '{call.module}'"


ELEMENTWISE = (
    *("cast", "copied", "add", "subtract", "multiply", "divide", "floor_divide", "remainder", "power", "maximum"),
    *("minimum", "negative", "absolute", "sign", "exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tanh"),
    *("sigmoid", "equal_to", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_not"),
    *("logical_and", "logical_or", "logical_xor", "select", "clip", "floor", "ceil", "rint", "erf", "relu", "silu"),
    *("gelu", "softplus", "dropout"),
)
RULES: dict[str, Rule] = {
    **dict.fromkeys(ELEMENTWISE, elementwise),
    **dict.fromkeys(("reshape_to", "permute_dims", "broadcast_to", "flip_dims"), moved),
    **dict.fromkeys(("reduce_sum", "reduce_mean", "reduce_max", "reduce_min", "reduce_prod"), reduced),
    **dict.fromkeys(("softmax", "log_softmax", "cumulative_sum"), mixing),
    **dict.fromkeys(("layer_norm", "rms_norm"), normalized),
    **dict.fromkeys(("batch_norm", "batch_norm_inference"), normalized_by_channel),
    **dict.fromkeys(("max_pool2d", "sum_pool2d"), pooled),
    "view_slice": sliced,
    "pad_constant": padded,
    "concatenate": joined,
    "rotary": turned,
    "embedding": looked_up,
    "linear": linear,
    "matmul": matmul,
    "conv2d": conv2d,
    "attention": attention,
}
