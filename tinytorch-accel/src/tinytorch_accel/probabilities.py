"""Softmax and cross-entropy: which inputs their kernels take."""

from __future__ import annotations

from tinytorch.plugins import hookimpl
from tinytorch.types import Array
from tinytorch_accel.compiled import NEAR, kernels
from tinytorch_accel.thresholds import LEAST


@hookimpl
@NEAR
def softmax(x: Array, axis: int) -> Array | None:
    """Each row while it is in the cache."""
    return kernels.softmax(x, axis) if x.size >= LEAST["softmax"] else None


@hookimpl
@NEAR
def softmax_grad(grad: Array, out: Array, axis: int) -> Array | None:
    """out * (grad - sum(grad * out)), row by row."""
    return kernels.softmax_grad(grad, out, axis) if out.size >= LEAST["softmax_grad"] else None


@hookimpl
@NEAR
def log_softmax(x: Array, axis: int) -> Array | None:
    """Each row while it is in the cache."""
    return kernels.log_softmax(x, axis) if x.size >= LEAST["log_softmax"] else None


@hookimpl
@NEAR
def log_softmax_grad(grad: Array, out: Array, axis: int) -> Array | None:
    """grad - exp(out) * sum(grad), row by row."""
    return kernels.log_softmax_grad(grad, out, axis) if out.size >= LEAST["log_softmax_grad"] else None


@hookimpl
@NEAR
def cross_entropy(scores: Array, target: Array) -> tuple[Array, Array] | None:
    """Two numbers a row; no probabilities are kept."""
    return kernels.cross_entropy(scores, target) if scores.size >= LEAST["cross_entropy"] else None


@hookimpl
@NEAR
def cross_entropy_grad(grad: Array, scores: Array, target: Array, log_sums: Array) -> Array | None:
    """The probabilities, less 1 at the target, times grad, in one pass."""
    if scores.size < LEAST["cross_entropy_grad"]:
        return None
    return kernels.cross_entropy_grad(grad, scores, target, log_sums)
