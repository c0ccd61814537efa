"""Sums of products of int8 codes: linear layers and convolutions with int32 sums.

With `real = (code - zero_point) * scale` for the input and `real = code * scale` for weights, the sum that a layer is
made of is `sum(code * weight) - zero_point * sum(weight) + bias` in units of s_in * s_w. All but the first term is
known before: it is what `bias` holds here. numpy multiplies whole numbers without BLAS, many times slower than floats;
so the products are summed as floats, which is exact as long as no sum can leave the whole numbers that the float holds,
in whatever order BLAS sums (up to 2**24 in float32, 2**53 in float64).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.spatial.convolution import conv2d
from tinytorch.core.spatial.geometry import channels_last, output_size
from tinytorch.core.tensor import op
from tinytorch_quant.integer.checks import constants, images_only, int8_only
from tinytorch_quant.integer.fixed_point import (
    INT32_MAX,
    clamped,
    multiply_double_rounding,
    multiply_single_rounding,
    quantize_multiplier,
)

if TYPE_CHECKING:
    from tinytorch.core.spatial.geometry import Pair, Sides
    from tinytorch.types import Array, DType, Kernel

LARGEST_PRODUCT = 128 * 128  # of two int8 codes
NO_PADDING = (0, 0), (0, 0)
BLOCK = 1 << 15  # sums that are multiplied at a time: 256 KiB of int64


def sum_dtype(terms: int) -> DType:
    """The float in which every sum of so many products of int8 codes is exact."""
    return np.dtype(np.float32 if terms * LARGEST_PRODUCT <= 1 << 24 else np.float64)


def fold_zero_point(weight: Array, bias: Array | None, zero_point: int) -> Array:
    """What is added to the sums of products, (out,) int32: bias - zero_point * sum(weight), of int8 (out, ...).

    Raises ValueError where a sum could leave int32.
    """
    rows = weight.reshape(len(weight), -1).astype(np.int64)
    folded = -zero_point * rows.sum(axis=1)
    if bias is not None:
        folded += bias
    largest = np.abs(folded) + 128 * np.abs(rows).sum(axis=1)
    if largest.size and largest.max() > INT32_MAX:
        raise ValueError(f"fold_zero_point: sums of up to {largest.max()} do not fit into int32; the bias is too large")
    return folded.astype(np.int32)


def linear_multiplier(input_scale: Any, weight_scale: Any, output_scale: Any) -> tuple[Array, Array]:
    """Mantissa and shift of s_in * s_w / s_out for `int8_linear`.

    As TFLite, the product of one weight scale for all outputs is rounded to float32, that of one for each is not.
    """
    scales = np.asarray(weight_scale, np.float32)
    if scales.size > 1:
        return conv2d_multiplier(input_scale, scales, output_scale)
    product = np.float32(input_scale) * scales
    return quantize_multiplier(np.float64(product) / np.float64(np.float32(output_scale)))


def conv2d_multiplier(input_scale: Any, weight_scale: Any, output_scale: Any) -> tuple[Array, Array]:
    """Mantissa and shift of s_in * s_w / s_out for `int8_conv2d`: of float32 scales, computed in double."""
    scales = [np.asarray(scale, np.float32).astype(np.float64) for scale in (input_scale, weight_scale, output_scale)]
    return quantize_multiplier(scales[0] * scales[1] / scales[2])


def _fitting_linear(
    name: str, x: Any, weight: Any, bias: Any, mantissa: Any, shift: Any, *rest: Any
) -> tuple[Any, ...]:
    int8_only(name, x)
    constants(name, weight, bias, mantissa, shift)
    if weight.ndim != 2 or not x.ndim or x.shape[-1] != weight.shape[1]:
        raise ValueError(f"{name}: input {x.shape} does not fit a weight of (out, in) = {weight.shape}")
    return x, weight, bias, mantissa, shift, *rest


@op(prepare=_fitting_linear)
def int8_linear(
    x: Array, weight: Array, bias: Array, mantissa: Array, shift: Array, zero_point: int, low: int, high: int
) -> Array:
    """x @ weight.T + bias as codes: (..., in), (out, in) int8, (out,) int32, int32, int8 -> (..., out) int8.

    Each output's int32 sum is multiplied by its mantissa * 2**(shift - 31), rounded once as in TFLite's FullyConnected
    (`multiply_single_rounding`), moved by the output's zero point and limited to low .. high, where ReLU is. `bias` has
    the input's zero point in it: `fold_zero_point`.
    """
    rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
    dtype = sum_dtype(rows.shape[1])
    sums = rows.astype(dtype) @ weight.T.astype(dtype)
    codes = _requantized(sums, bias, mantissa, shift, multiply_single_rounding, (zero_point, low, high))
    return codes.reshape(*x.shape[:-1], len(weight))


def _fitting_conv2d(
    name: str, x: Any, weight: Any, bias: Any, mantissa: Any, shift: Any, stride: Any, padding: Any, dilation: Any,
    groups: int, *rest: Any,
) -> tuple[Any, ...]:  # fmt: skip
    images_only(name, x)
    constants(name, weight, bias, mantissa, shift)
    if weight.ndim != 4 or groups < 1 or weight.shape[0] % groups or x.shape[1] != weight.shape[1] * groups:
        raise ValueError(f"{name}: input {x.shape} does not fit weight {weight.shape} with {groups} groups")
    sizes = zip(x.shape[2:], padding, weight.shape[2:], stride, dilation, strict=True)
    if min(output_size(*size) for size in sizes) < 1:
        raise ValueError(
            f"{name}: a window of {weight.shape[2:]} does not fit into input {x.shape} with padding {padding}"
        )
    return x, weight, bias, mantissa, shift, stride, padding, dilation, groups, *rest


@op(prepare=_fitting_conv2d)
def int8_conv2d(
    x: Array,
    weight: Array,
    bias: Array,
    mantissa: Array,
    shift: Array,
    stride: Pair,
    padding: Sides,
    dilation: Pair,
    groups: int,
    fill: int,
    zero_point: int,
    low: int,
    high: int,
) -> Array:
    """Slide the weight over codes: (batch, in, h, w), (out, in / groups, kh, kw) int8 -> (batch, out, h', w') int8.

    `bias` (int32), `mantissa` (int32) and `shift` (int8) are (out,): each output's int32 sum is multiplied by its
    mantissa * 2**(shift - 31), rounded twice as in TFLite's Conv2D and DepthwiseConv2D (`multiply_double_rounding`),
    moved by the output's zero point and limited to low .. high. The padding, ((top, bottom), (left, right)), holds
    `fill`, the input's zero point, which `bias` has in it: `fold_zero_point`. Images are channels-last in memory, and
    best so are weights, (out, kh, kw, in / groups) seen as PyTorch's shape; any strides are right.
    """
    dtype = sum_dtype(math.prod(weight.shape[1:]))
    images = channels_last(x, padding, fill).astype(dtype).transpose(0, 3, 1, 2)
    window = stride, NO_PADDING, dilation, groups
    sums = conv2d.kernel(images, weight.astype(dtype), None, *window)  # the core's own: a plugin's need not be exact
    batch, out, height, width = sums.shape
    rows = sums.transpose(0, 2, 3, 1).reshape(batch * height * width, out)  # no copy: so they lie in memory
    codes = _requantized(rows, bias, mantissa, shift, multiply_double_rounding, (zero_point, low, high))
    return codes.reshape(batch, height, width, out).transpose(0, 3, 1, 2)


def _requantized(
    sums: Array, bias: Array, mantissa: Array, shift: Array, multiply: Kernel, limits: tuple[int, int, int]
) -> Array:
    """Sums of products, (rows, out) floats, as codes: a block at a time, so that whole numbers stay in the cache.

    A short row of constants is slow to broadcast: where there are few outputs, several rows are taken as one.
    """
    rows, out = sums.shape
    together = math.gcd(rows, 16) if rows * out > BLOCK and out < 128 else 1
    wide = sums.reshape(rows // together, together * out)
    if together > 1:
        bias, mantissa, shift = (np.tile(each, together) for each in (bias, mantissa, shift))
    codes = np.empty_like(wide, np.int8)
    step = max(1, BLOCK // max(1, wide.shape[1]))
    for start in range(0, len(wide), step):
        block = slice(start, start + step)
        totals = wide[block].astype(np.int32)
        totals += bias
        codes[block] = clamped(multiply(totals, mantissa, shift), *limits)
    return codes.reshape(rows, out)
