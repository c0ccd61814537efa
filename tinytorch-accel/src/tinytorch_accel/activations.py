"""Activations: which inputs their kernels take."""

from __future__ import annotations

from tinytorch.plugins import answered_by, exact, hookimpl
from tinytorch.types import Array
from tinytorch_accel.compiled import NEAR, kernels


@hookimpl
@NEAR
@answered_by(kernels.gelu)
def gelu(x: Array, approximate: str) -> tuple[Array, Array] | None:
    """x * Phi(x), and Phi(x), in one pass."""


@hookimpl
@NEAR
@answered_by(kernels.gelu_grad)
def gelu_grad(grad: Array, x: Array, share: Array, approximate: str) -> Array | None:
    """grad * (Phi(x) + x * Phi'(x)), in one pass."""


@hookimpl
@exact
@answered_by(kernels.relu)
def relu(x: Array) -> Array | None:
    """x where it is positive, 0 elsewhere."""


@hookimpl
@exact
@answered_by(kernels.relu_grad)
def relu_grad(grad: Array, out: Array) -> Array | None:
    """grad where relu gave something."""
