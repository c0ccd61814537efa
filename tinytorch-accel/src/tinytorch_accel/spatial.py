"""Convolution and pooling: which inputs their kernels take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinytorch.plugins import close, exact, hookimpl
from tinytorch.types import Array, Shape
from tinytorch_accel.compiled import kernels
from tinytorch_accel.thresholds import LEAST

if TYPE_CHECKING:
    from tinytorch.core.spatial.geometry import Pair, Sides

NEAR = close(rtol={"float32": 1e-5}, atol={"float32": 1e-6})


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
