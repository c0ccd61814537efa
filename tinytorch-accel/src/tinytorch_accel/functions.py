"""Functions of one array, number by number, each in one pass."""

from __future__ import annotations

from tinytorch.plugins import answered_by, hookimpl
from tinytorch.types import Array
from tinytorch_accel.compiled import NEAR, kernels


@hookimpl
@NEAR
@answered_by(kernels.exp)
def exp(x: Array) -> Array | None:
    """e to the x."""


@hookimpl
@NEAR
@answered_by(kernels.log)
def log(x: Array) -> Array | None:
    """The natural logarithm."""


@hookimpl
@NEAR
@answered_by(kernels.tanh)
def tanh(x: Array) -> Array | None:
    """The hyperbolic tangent."""


@hookimpl
@NEAR
@answered_by(kernels.sigmoid)
def sigmoid(x: Array) -> Array | None:
    """1 / (1 + exp(-x))."""


@hookimpl
@NEAR
@answered_by(kernels.silu)
def silu(x: Array) -> Array | None:
    """x * sigmoid(x)."""


@hookimpl
@NEAR
@answered_by(kernels.silu_grad)
def silu_grad(grad: Array, x: Array) -> Array | None:
    """grad * s * (1 + x * (1 - s)), s = sigmoid(x)."""


@hookimpl
@NEAR
@answered_by(kernels.softplus)
def softplus(x: Array, beta: float, threshold: float) -> Array | None:
    """log(1 + exp(beta * x)) / beta; x itself above the threshold."""
