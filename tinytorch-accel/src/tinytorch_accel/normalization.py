"""Normalization: which inputs its kernels take."""

from __future__ import annotations

from tinytorch.plugins import hookimpl
from tinytorch.types import Array
from tinytorch_accel.compiled import NEAR, kernels
from tinytorch_accel.thresholds import LEAST


@hookimpl
@NEAR
def layer_norm(
    x: Array, weight: Array | None, bias: Array | None, ndim: int, eps: float
) -> tuple[Array, Array, Array] | None:
    """Normalize each row while it is in the cache."""
    return kernels.layer_norm(x, weight, bias, ndim, eps) if x.size >= LEAST["layer_norm"] else None


@hookimpl
@NEAR
def layer_norm_grad(
    grad: Array, x: Array, weight: Array | None, mean: Array, rstd: Array, ndim: int
) -> tuple[Array, Array, Array] | None:
    """All three gradients in one pass through grad and x."""
    if x.size < LEAST["layer_norm_grad"]:
        return None
    return kernels.layer_norm_grad(grad, x, weight, mean, rstd, ndim)


@hookimpl
@NEAR
def batch_norm(x: Array, weight: Array | None, bias: Array | None, eps: float) -> tuple[Array, Array, Array] | None:
    """Both sums of a channel in one pass, in float64."""
    return kernels.batch_norm(x, weight, bias, eps) if x.size >= LEAST["batch_norm"] else None


@hookimpl
@NEAR
def batch_norm_grad(
    grad: Array, x: Array, weight: Array | None, mean: Array, rstd: Array
) -> tuple[Array, Array, Array] | None:
    """Both sums in one pass through grad and x, the gradient of x in another."""
    return kernels.batch_norm_grad(grad, x, weight, mean, rstd) if x.size >= LEAST["batch_norm_grad"] else None


@hookimpl
@NEAR
def batch_norm_inference(
    x: Array, mean: Array, variance: Array, weight: Array | None, bias: Array | None, eps: float
) -> Array | None:
    """One product and one sum for each number."""
    if x.size < LEAST["batch_norm_inference"]:
        return None
    return kernels.batch_norm_inference(x, mean, variance, weight, bias, eps)
