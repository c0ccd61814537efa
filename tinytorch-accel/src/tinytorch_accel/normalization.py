"""Normalization: which inputs its kernels take."""

from __future__ import annotations

from tinytorch.plugins import answered_by, hookimpl
from tinytorch.types import Array
from tinytorch_accel.compiled import NEAR, kernels


@hookimpl
@NEAR
@answered_by(kernels.layer_norm)
def layer_norm(
    x: Array, weight: Array | None, bias: Array | None, ndim: int, eps: float
) -> tuple[Array, Array, Array] | None:
    """Normalize each row while it is in the cache."""


@hookimpl
@NEAR
@answered_by(kernels.layer_norm_grad)
def layer_norm_grad(
    grad: Array, x: Array, weight: Array | None, mean: Array, rstd: Array, ndim: int
) -> tuple[Array, Array, Array] | None:
    """All three gradients in one pass through grad and x."""


@hookimpl
@NEAR
@answered_by(kernels.rms_norm)
def rms_norm(x: Array, weight: Array | None, ndim: int, eps: float) -> tuple[Array, Array] | None:
    """Normalize each row while it is in the cache."""


@hookimpl
@NEAR
@answered_by(kernels.rms_norm_grad)
def rms_norm_grad(grad: Array, x: Array, weight: Array | None, rrms: Array, ndim: int) -> tuple[Array, Array] | None:
    """Both gradients in one pass through grad and x."""


@hookimpl
@NEAR
@answered_by(kernels.batch_norm)
def batch_norm(x: Array, weight: Array | None, bias: Array | None, eps: float) -> tuple[Array, Array, Array] | None:
    """Both sums of a channel in one pass, in float64."""


@hookimpl
@NEAR
@answered_by(kernels.batch_norm_grad)
def batch_norm_grad(
    grad: Array, x: Array, weight: Array | None, mean: Array, rstd: Array
) -> tuple[Array, Array, Array] | None:
    """Both sums in one pass through grad and x, the gradient of x in another."""


@hookimpl
@NEAR
@answered_by(kernels.batch_norm_inference)
def batch_norm_inference(
    x: Array, mean: Array, variance: Array, weight: Array | None, bias: Array | None, eps: float
) -> Array | None:
    """One product and one sum for each number."""
