"""The constants of a layer: from float weights, scales and zero points to what the integer ops take."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch_quant.integer.products import fold_zero_point

if TYPE_CHECKING:
    from tinytorch.types import Array

    QParams = tuple[float, int]  # the scale and zero point of activations


def weight_scales(weight: Array, bias: Array | None, input: QParams, output: QParams) -> Array:
    """A scale for each output of (out, ...), float32: the largest weight is 127 steps.

    Where the weights are next to nothing the scale is that with which the bias still fits into int32.
    """
    largest = np.abs(weight.reshape(len(weight), -1)).max(axis=1, initial=0.0).astype(np.float64)
    needed = 0.0 if bias is None else np.abs(bias) / (input[0] * 2.0**24)
    scales = np.maximum(largest / 127.0, needed)
    return np.where(scales > 0.0, scales, output[0] / input[0]).astype(np.float32)


def layer_constants(
    weight: Array,
    bias: Array | None,
    scales: Any,
    input: QParams,
    output: QParams,
    multiplier: Callable[[Any, Any, Any], tuple[Array, Array]],
) -> dict[str, Array]:
    """weight (int8, in -127 .. 127), bias, mantissa and shift for `int8_linear` or `int8_conv2d`.

    Weights and bias are floats, (out, ...) and (out,); `scales` is one for each output or one for all; `multiplier` is
    `linear_multiplier` or `conv2d_multiplier`.
    """
    mantissa, shift = multiplier(input[0], scales, output[0])
    scales = np.broadcast_to(np.asarray(scales, np.float32), (len(weight),))
    per_output = scales.reshape(-1, *[1] * (weight.ndim - 1))
    codes = np.clip(np.rint(weight / per_output), -127, 127).astype(np.int8)
    steps = None if bias is None else np.rint(bias / (np.float64(input[0]) * scales)).astype(np.int64)
    return {
        "weight": codes,
        "bias": fold_zero_point(codes, steps, input[1]),
        "mantissa": np.broadcast_to(mantissa, (len(weight),)).copy(),
        "shift": np.broadcast_to(shift, (len(weight),)).copy(),
    }
