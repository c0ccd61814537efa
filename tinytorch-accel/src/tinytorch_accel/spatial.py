"""Convolution and pooling: which inputs their kernels take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinytorch.plugins import exact, hookimpl
from tinytorch.types import Array, Shape
from tinytorch_accel.compiled import NEAR, kernels
from tinytorch_accel.thresholds import LEAST

if TYPE_CHECKING:
    from tinytorch.core.spatial.geometry import Pair, Sides


@hookimpl
@NEAR
def conv2d(
    x: Array, weight: Array, bias: Array | None, stride: Pair, padding: Sides, dilation: Pair, groups: int
) -> Array | None:
    """No window is copied; the bias is added before the sums are written."""
    if x.size < LEAST["conv2d"]:
        return None
    return kernels.conv2d(x, weight, bias, stride, padding, dilation, groups)


@hookimpl
@NEAR
def conv2d_input_grad(
    grad: Array, weight: Array, shape: Shape, stride: Pair, padding: Sides, dilation: Pair, groups: int
) -> Array | None:
    """A convolution of the gradient for each of the places that a stride gives."""
    if grad.size < LEAST["conv2d_input_grad"]:
        return None
    return kernels.conv2d_input_grad(grad, weight, shape, stride, padding, dilation, groups)


@hookimpl
@NEAR
def conv2d_weight_grad(
    grad: Array, x: Array, shape: Shape, stride: Pair, padding: Sides, dilation: Pair, groups: int
) -> Array | None:
    """Sums over pixels that stay in registers, without a copy of the windows."""
    if grad.size < LEAST["conv2d_weight_grad"]:
        return None
    return kernels.conv2d_weight_grad(grad, x, shape, stride, padding, dilation, groups)


@hookimpl
@exact
def max_pool2d(x: Array, kernel: Pair, stride: Pair, padding: Sides, dilation: Pair) -> tuple[Array, Array] | None:
    """The largest of each window and its place there, in one pass."""
    return kernels.max_pool2d(x, kernel, stride, padding, dilation) if x.size >= LEAST["max_pool2d"] else None


@hookimpl
@exact
def max_pool2d_grad(
    grad: Array, place: Array, shape: Shape, kernel: Pair, stride: Pair, padding: Sides, dilation: Pair
) -> Array | None:
    """Each number of the result once, from the windows that have it."""
    if grad.size < LEAST["max_pool2d_grad"]:
        return None
    return kernels.max_pool2d_grad(grad, place, shape, kernel, stride, padding, dilation)


@hookimpl
@exact
def sum_pool2d(x: Array, kernel: Pair, stride: Pair, padding: Sides) -> Array | None:
    """The sum of each window, in the core's order."""
    return kernels.sum_pool2d(x, kernel, stride, padding) if x.size >= LEAST["sum_pool2d"] else None


@hookimpl
@exact
def sum_pool2d_grad(grad: Array, shape: Shape, kernel: Pair, stride: Pair, padding: Sides) -> Array | None:
    """Row by row, from the windows that have it."""
    return (
        kernels.sum_pool2d_grad(grad, shape, kernel, stride, padding) if grad.size >= LEAST["sum_pool2d_grad"] else None
    )
