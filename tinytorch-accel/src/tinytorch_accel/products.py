"""Matrix products: which inputs their kernels take."""

from __future__ import annotations

from tinytorch.plugins import answered_by, hookimpl
from tinytorch.types import Array
from tinytorch_accel.compiled import NEAR, kernels


@hookimpl
@NEAR
@answered_by(kernels.matmul)
def matmul(a: Array, b: Array) -> Array | None:
    """Matrices in any layout, and arrays of them."""


@hookimpl
@NEAR
@answered_by(kernels.linear)
def linear(x: Array, weight: Array, bias: Array | None) -> Array | None:
    """The bias is added while the sums are in registers."""


@hookimpl
@NEAR
@answered_by(kernels.linear_weight_grad)
def linear_weight_grad(grad: Array, x: Array) -> Array | None:
    """Neither is turned around first."""
