"""Rules: what each op does with the labels of what it takes.

Here are those of ops that work place by place, which unite the labels at a place, and of those that mix numbers along
an axis, which need all of it; and the table of all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinytorch_compress.structured.flow import Flow, Operand, said
from tinytorch_compress.structured.movements import joined, moved, padded, sliced
from tinytorch_compress.structured.products import attention, conv2d, linear, matmul

if TYPE_CHECKING:
    from tinytorch.tracing import Call
    from tinytorch.types import Array
    from tinytorch_compress.structured.flow import Rule


def elementwise(flow: Flow, call: Call) -> list[Array]:
    """What removes a number of one input removes those that it is computed with."""
    ndim = len(call.outputs[0].shape)
    return flow.together([flow.operand(value, ndim) for value in call.values], said(call))


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
