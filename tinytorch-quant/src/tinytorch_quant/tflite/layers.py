"""From TensorFlow's calls to steps: int8 ops where activations are int8, the core's ops where they are float.

TensorFlow's images are (batch, height, width, channels), PyTorch's have the channels second: in memory both are the
same here, so that only where four dimensions become two, or two four, a step turns them. Weights that are int8 among
floats are decoded: TFLite's hybrid kernels, which round activations on the way, are not imitated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.serialization import CheckpointError
from tinytorch_quant import integer
from tinytorch_quant.integer import Stored, Value
from tinytorch_quant.integer.pooling import window_counts
from tinytorch_quant.tflite.reading import LARGEST
from tinytorch_quant.tflite.translation import Translation, activated, is_quantized, limits, qparams, tensor, window

if TYPE_CHECKING:
    from tinytorch.core.spatial.geometry import Pair, Sides
    from tinytorch.types import Array, Shape
    from tinytorch_quant.tflite.reading import Call, FileTensor

TO_IMAGES, FROM_IMAGES = (0, 3, 1, 2), (0, 2, 3, 1)


def conv2d(into: Translation, call: Call) -> Value:
    """CONV_2D: weights (out, kh, kw, in / groups)."""
    return _convolution(into, call, TO_IMAGES)


def depthwise_conv2d(into: Translation, call: Call) -> Value:
    """DEPTHWISE_CONV_2D: weights (1, kh, kw, out)."""
    if tensor(call, 1).shape[:1] != (1,):
        raise CheckpointError(f"{call.op} has weights of {tensor(call, 1).shape}, expected one row of windows")
    return _convolution(into, call, (3, 0, 1, 2))


def _convolution(into: Translation, call: Call, order: tuple[int, ...]) -> Value:
    x, numbers = tensor(call, 0), _numbers(call, 4).transpose(order)
    stride, padding, dilation = window(call, numbers.shape[2:], len(numbers))
    groups = x.shape[3] // numbers.shape[1]
    if groups * numbers.shape[1] != x.shape[3] or len(numbers) % groups:
        raise CheckpointError(f"{call.op} has weights of {numbers.shape[1]} channels for {x.shape[3]}")
    options = stride, padding, dilation, groups
    if not is_quantized(call):
        weights = into.store("conv2d", **_float_weights(call, numbers, order[0]))
        return activated(into, call, into.add("conv2d", into.value(x), *weights, *options))
    constants = _constants(into, "int8_conv2d", call, numbers, order[0], integer.conv2d_multiplier)
    ends = qparams(x)[1], qparams(call.output)[1], *limits(call)
    return into.add("int8_conv2d", into.value(x), *constants, *options, *ends)


def fully_connected(into: Translation, call: Call) -> Value:
    """FULLY_CONNECTED: weights (out, in); all dimensions but the first are one."""
    x, weight = tensor(call, 0), _numbers(call, 2)
    rows = math.prod(x.shape) // weight.shape[1]
    if call.options["WeightsFormat"] or rows * weight.shape[1] != math.prod(x.shape):
        raise CheckpointError(f"{call.op} takes {x.shape} with weights of {weight.shape}")
    if call.output.shape != (rows, len(weight)):
        raise CheckpointError(f"{call.op} makes {(rows, len(weight))} of {x.shape}, not {call.output.shape}")
    value = _reshaped(into, into.value(x), x.shape, (rows, weight.shape[1]))
    if not is_quantized(call):
        weights = into.store("linear", **_float_weights(call, weight, 0))
        return activated(into, call, into.add("linear", value, *weights))
    constants = _constants(into, "int8_linear", call, weight, 0, integer.linear_multiplier)
    return into.add("int8_linear", value, *constants, qparams(call.output)[1], *limits(call))


def add(into: Translation, call: Call) -> Value:
    """ADD of two activations of one shape."""
    a, b = tensor(call, 0), tensor(call, 1)
    if not a.shape == b.shape == call.output.shape or a.dtype != b.dtype:
        raise CheckpointError(f"ADD of {a.shape} and {b.shape} is not supported")
    values = into.value(a), into.value(b)
    if not is_quantized(call):
        return activated(into, call, into.add("add", *values))
    scale, zero_point = qparams(call.output)
    constants = integer.add_constants(qparams(a), qparams(b), scale)
    return into.add("int8_add", *values, *constants, zero_point, *limits(call))


def average_pool2d(into: Translation, call: Call) -> Value:
    """AVERAGE_POOL_2D: padding does not count."""
    x, kernel, stride, padding = _pool(call)
    if is_quantized(call):
        return _int8_pool(into, call, "int8_avg_pool2d", (kernel, stride, padding))
    counts = window_counts(x.shape[1:3], kernel, stride, padding).astype(np.float32)
    total = into.add("sum_pool2d", into.value(x), kernel, stride, padding)
    return activated(into, call, into.add("divide", total, *into.store("divide", counts=counts)))


def max_pool2d(into: Translation, call: Call) -> Value:
    """MAX_POOL_2D."""
    x, kernel, stride, padding = _pool(call)
    if is_quantized(call):
        return _int8_pool(into, call, "int8_max_pool2d", (kernel, stride, padding))
    return activated(into, call, into.add("max_pool2d", into.value(x), kernel, stride, padding, (1, 1)))


def _pool(call: Call) -> tuple[FileTensor, Pair, Pair, Sides]:
    """The input, window, stride and padding of a pooling; windows no larger than images."""
    x, kernel = tensor(call, 0), (call.options["FilterHeight"], call.options["FilterWidth"])
    if len(x.shape) != 4 or kernel[0] > x.shape[1] or kernel[1] > x.shape[2]:
        raise CheckpointError(f"{call.op} of {x.shape} with windows {kernel} is not supported")
    stride, padding, _ = window(call, kernel, x.shape[3])
    return x, kernel, stride, padding


def _int8_pool(into: Translation, call: Call, op: str, options: tuple[Any, ...]) -> Value:
    x = tensor(call, 0)
    if qparams(x) != qparams(call.output):
        raise CheckpointError(f"{call.op} with another scale for what comes out is not supported")
    return into.add(op, into.value(x), *options, *limits(call))


def reshape(into: Translation, call: Call) -> Value:
    """RESHAPE to the shape that the file gives the output, for any batch where its first size stays."""
    x, out = tensor(call, 0), call.output
    if math.prod(x.shape) != math.prod(out.shape) or x.dtype != out.dtype:
        raise CheckpointError(f"RESHAPE of {x.shape} {x.dtype} to {out.shape} {out.dtype}")
    if x.dtype == "int8" and qparams(x) != qparams(out):
        raise CheckpointError("RESHAPE with another scale for what comes out is not supported")
    return _reshaped(into, into.value(x), x.shape, out.shape)


def _reshaped(into: Translation, value: Value, shape: Shape, new: Shape) -> Value:
    """The same numbers in TensorFlow's order as another shape."""
    if shape == new:
        return value
    if len(shape) == 4:
        value = into.add("permute_dims", value, FROM_IMAGES)
    value = into.add("reshape_to", value, (-1, *new[1:]) if shape[:1] == new[:1] else new)
    return into.add("permute_dims", value, TO_IMAGES) if len(new) == 4 else value


def softmax(into: Translation, call: Call) -> Value:
    """SOFTMAX of rows; as codes, probabilities are in 256ths from -128."""
    x, beta = tensor(call, 0), float(call.options["Beta"])
    if len(x.shape) != 2 or call.output.shape != x.shape or not 0.0 < beta < LARGEST:
        raise CheckpointError(f"SOFTMAX of {x.shape} to {call.output.shape} with beta {beta} is not supported")
    if not is_quantized(call):
        value = into.value(x)
        return into.add("softmax", value if beta == 1.0 else into.add("multiply", value, beta), 1)
    if qparams(call.output) != (1.0 / 256.0, -128):
        raise CheckpointError(f"SOFTMAX gives codes of {qparams(call.output)}, expected (1/256, -128)")
    table = integer.softmax_table(qparams(x)[0], beta)
    return into.add("int8_softmax", into.value(x), *into.store("int8_softmax", table=table))


TRANSLATIONS: dict[str, Callable[[Translation, Call], Value]] = {
    "ADD": add,
    "AVERAGE_POOL_2D": average_pool2d,
    "CONV_2D": conv2d,
    "DEPTHWISE_CONV_2D": depthwise_conv2d,
    "FULLY_CONNECTED": fully_connected,
    "MAX_POOL_2D": max_pool2d,
    "RESHAPE": reshape,
    "SOFTMAX": softmax,
}


def _numbers(call: Call, ndim: int) -> Array:
    """The weights of a call."""
    weight = tensor(call, 1)
    if weight.numbers is None or len(weight.shape) != ndim or weight.dtype not in ("int8", "float32"):
        raise CheckpointError(f"{call.op} has no constant weights of {ndim} dimensions, float32 or int8")
    return weight.numbers


def _bias(call: Call, dtype: str, outputs: int) -> Array | None:
    bias = call.inputs[2] if len(call.inputs) > 2 else None
    if bias is None:
        return None
    if bias.numbers is None or bias.shape != (outputs,) or bias.dtype != dtype:
        raise CheckpointError(f"{call.op} has no constant bias of {outputs} numbers of {dtype}")
    return bias.numbers


def _weight_scales(call: Call, outputs: int, axis: int) -> Array:
    """The scales of int8 weights: one for all outputs, or one for each."""
    weight = tensor(call, 1)
    if len(weight.scales) not in (1, outputs) or weight.zero_points.any():
        raise CheckpointError(f"{call.op} has weights without a scale for each output, or with zero points")
    if len(weight.scales) > 1 and weight.axis != axis:
        raise CheckpointError(f"{call.op} has weights with scales along axis {weight.axis}, not {axis}")
    return weight.scales


def _constants(
    into: Translation, op: str, call: Call, weight: Array, axis: int, multiplier: Callable[..., tuple[Array, Array]]
) -> list[Stored]:
    """What an int8 op takes of weights (out, ...)."""
    x = tensor(call, 0)
    if weight.dtype != "int8":
        raise CheckpointError(f"{call.op} has weights of {weight.dtype} for activations of int8")
    scales = _weight_scales(call, len(weight), axis)
    (scale, zero_point), (out_scale, _) = qparams(x), qparams(call.output)
    bias = integer.fold_zero_point(weight, _bias(call, "int32", len(weight)), zero_point)
    mantissa, shift = multiplier(scale, scales, out_scale)
    each = (len(weight),)
    constants = {"mantissa": np.broadcast_to(mantissa, each).copy(), "shift": np.broadcast_to(shift, each).copy()}
    return into.store(op, weight=weight, bias=bias, **constants)


def _float_weights(call: Call, weight: Array, axis: int) -> dict[str, Array]:
    """Weights (out, ...) and a bias, zeros where there is none, as float32."""
    if weight.dtype == "int8":
        scales = _weight_scales(call, len(weight), axis)
        weight = weight * scales.reshape(-1, *[1] * (weight.ndim - 1))
    bias = _bias(call, "float32", len(weight))
    return {"weight": weight, "bias": np.zeros(len(weight), np.float32) if bias is None else bias}
