"""Softmax and cross-entropy: which inputs their kernels take."""

from __future__ import annotations

from tinytorch.plugins import answered_by, hookimpl
from tinytorch.types import Array
from tinytorch_accel.compiled import NEAR, kernels


@hookimpl
@NEAR
@answered_by(kernels.softmax)
def softmax(x: Array, axis: int) -> Array | None:
    """Each row while it is in the cache."""


@hookimpl
@NEAR
@answered_by(kernels.softmax_grad)
def softmax_grad(grad: Array, out: Array, axis: int) -> Array | None:
    """out * (grad - sum(grad * out)), row by row."""


@hookimpl
@NEAR
@answered_by(kernels.log_softmax)
def log_softmax(x: Array, axis: int) -> Array | None:
    """Each row while it is in the cache."""


@hookimpl
@NEAR
@answered_by(kernels.log_softmax_grad)
def log_softmax_grad(grad: Array, out: Array, axis: int) -> Array | None:
    """grad - exp(out) * sum(grad), row by row."""


@hookimpl
@NEAR
@answered_by(kernels.cross_entropy)
def cross_entropy(scores: Array, target: Array) -> tuple[Array, Array] | None:
    """Two numbers a row; no probabilities are kept."""


@hookimpl
@NEAR
@answered_by(kernels.cross_entropy_grad)
def cross_entropy_grad(grad: Array, scores: Array, target: Array, log_sums: Array) -> Array | None:
    """The probabilities, less 1 at the target, times grad, in one pass."""
