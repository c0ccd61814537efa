"""Convolution and pooling: which inputs their kernels take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinytorch.plugins import answered_by, exact, hookimpl
from tinytorch.types import Array, Shape
from tinytorch_accel.compiled import NEAR, kernels

if TYPE_CHECKING:
    from tinytorch.core.spatial.geometry import Pair, Sides


@hookimpl
@NEAR
@answered_by(kernels.conv2d)
def conv2d(
    x: Array, weight: Array, bias: Array | None, stride: Pair, padding: Sides, dilation: Pair, groups: int
) -> Array | None:
    """No window is copied; the bias is added before the sums are written."""


@hookimpl
@NEAR
@answered_by(kernels.conv2d_input_grad)
def conv2d_input_grad(
    grad: Array, weight: Array, shape: Shape, stride: Pair, padding: Sides, dilation: Pair, groups: int
) -> Array | None:
    """A convolution of the gradient for each of the places that a stride gives."""


@hookimpl
@NEAR
@answered_by(kernels.conv2d_weight_grad)
def conv2d_weight_grad(
    grad: Array, x: Array, shape: Shape, stride: Pair, padding: Sides, dilation: Pair, groups: int
) -> Array | None:
    """Sums over pixels that stay in registers, without a copy of the windows."""


@hookimpl
@exact
@answered_by(kernels.max_pool2d)
def max_pool2d(x: Array, kernel: Pair, stride: Pair, padding: Sides, dilation: Pair) -> tuple[Array, Array] | None:
    """The largest of each window and its place there, in one pass."""


@hookimpl
@exact
@answered_by(kernels.max_pool2d_grad)
def max_pool2d_grad(
    grad: Array, place: Array, shape: Shape, kernel: Pair, stride: Pair, padding: Sides, dilation: Pair
) -> Array | None:
    """Each number of the result once, from the windows that have it."""


@hookimpl
@exact
@answered_by(kernels.sum_pool2d)
def sum_pool2d(x: Array, kernel: Pair, stride: Pair, padding: Sides) -> Array | None:
    """The sum of each window, in the core's order."""


@hookimpl
@exact
@answered_by(kernels.sum_pool2d_grad)
def sum_pool2d_grad(grad: Array, shape: Shape, kernel: Pair, stride: Pair, padding: Sides) -> Array | None:
    """Row by row, from the windows that have it."""
