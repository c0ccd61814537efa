"""Arithmetic, number by number: the core's, bit for bit; shapes of which one repeats the other."""

from __future__ import annotations

from tinytorch.plugins import answered_by, exact, hookimpl
from tinytorch.types import Array
from tinytorch_accel.compiled import kernels


@hookimpl
@exact
@answered_by(kernels.add)
def add(a: Array, b: Array) -> Array | None:
    """a + b."""


@hookimpl
@exact
@answered_by(kernels.subtract)
def subtract(a: Array, b: Array) -> Array | None:
    """a - b."""


@hookimpl
@exact
@answered_by(kernels.multiply)
def multiply(a: Array, b: Array) -> Array | None:
    """a * b."""


@hookimpl
@exact
@answered_by(kernels.divide)
def divide(a: Array, b: Array) -> Array | None:
    """a / b."""


@hookimpl
@exact
@answered_by(kernels.negative)
def negative(x: Array) -> Array | None:
    """-x."""


@hookimpl
@exact
@answered_by(kernels.absolute)
def absolute(x: Array) -> Array | None:
    """|x|."""


@hookimpl
@exact
@answered_by(kernels.sqrt)
def sqrt(x: Array) -> Array | None:
    """The square root."""


@hookimpl
@exact
@answered_by(kernels.tanh_grad)
def tanh_grad(grad: Array, out: Array) -> Array | None:
    """grad * (1 - out * out), in one pass."""


@hookimpl
@exact
@answered_by(kernels.sigmoid_grad)
def sigmoid_grad(grad: Array, out: Array) -> Array | None:
    """grad * out * (1 - out), in one pass."""


@hookimpl
@exact
@answered_by(kernels.dropout)
def dropout(x: Array, mask: Array, scale: float) -> Array | None:
    """x * scale where the mask is True, in one pass."""


@hookimpl
@exact
@answered_by(kernels.select)
def select(condition: Array, a: Array, b: Array) -> Array | None:
    """a where the condition holds, b elsewhere; a or b may be one number."""


@hookimpl
@exact
@answered_by(kernels.clip)
def clip(x: Array, low: float | None, high: float | None) -> Array | None:
    """x within its bounds, in one pass."""
