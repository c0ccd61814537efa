"""Matrix products: which inputs their kernels take."""

from __future__ import annotations

from tinytorch.plugins import hookimpl
from tinytorch.types import Array
from tinytorch_accel.compiled import NEAR, kernels


@hookimpl
@NEAR
def matmul(a: Array, b: Array) -> Array | None:
    """Matrices in any layout, and arrays of them."""
    return kernels.matmul(a, b)


@hookimpl
@NEAR
def linear(x: Array, weight: Array, bias: Array | None) -> Array | None:
    """The bias is added while the sums are in registers."""
    return kernels.linear(x, weight, bias)


@hookimpl
@NEAR
def linear_weight_grad(grad: Array, x: Array) -> Array | None:
    """Neither is turned around first."""
    return kernels.linear_weight_grad(grad, x)
