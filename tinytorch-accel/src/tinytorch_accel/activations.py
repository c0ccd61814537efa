"""Activations: which inputs their kernels take."""

from __future__ import annotations

from tinytorch.plugins import exact, hookimpl
from tinytorch.types import Array
from tinytorch_accel.compiled import NEAR, kernels
from tinytorch_accel.thresholds import LEAST


@hookimpl
@NEAR
def gelu(x: Array, approximate: str) -> tuple[Array, Array] | None:
    """x * Phi(x), and Phi(x), in one pass."""
    return kernels.gelu(x, approximate) if x.size >= LEAST["gelu"] else None


@hookimpl
@NEAR
def gelu_grad(grad: Array, x: Array, share: Array, approximate: str) -> Array | None:
    """grad * (Phi(x) + x * Phi'(x)), in one pass."""
    return kernels.gelu_grad(grad, x, share, approximate) if x.size >= LEAST["gelu_grad"] else None


@hookimpl
@exact
def relu(x: Array) -> Array | None:
    """x where it is positive, 0 elsewhere."""
    return kernels.relu(x) if x.size >= LEAST["relu"] else None


@hookimpl
@exact
def relu_grad(grad: Array, out: Array) -> Array | None:
    """grad where relu gave something."""
    return kernels.relu_grad(grad, out) if out.size >= LEAST["relu_grad"] else None
