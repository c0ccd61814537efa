"""Functions of one tensor, element by element: (...) -> (...)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.tensor.arithmetic import divide, multiply
from tinytorch.core.tensor.op import op
from tinytorch.core.tensor.promotion import one, one_float, tensors_only
from tinytorch.core.tensor.quiet import quiet

if TYPE_CHECKING:
    from tinytorch.core.tensor.tensor import Tensor
    from tinytorch.types import Array


@op(prepare=tensors_only)
def copied(x: Array) -> Array:
    """The same elements in new memory, row-major."""
    return x.copy()


def _no_bool(name: str, x: Any) -> tuple[Tensor]:
    (x,) = one(name, x)
    if x.array.dtype.kind == "b":
        raise TypeError(f"{name}: not defined for bool tensors; use ~ for the opposite")
    return (x,)


@op(prepare=_no_bool)
def negative(x: Array) -> Array:
    """-x."""
    return np.negative(x)


@op(prepare=one)
def absolute(x: Array) -> Array:
    """|x|."""
    return np.absolute(x)


@op(prepare=one)
def sign(x: Array) -> Array:
    """-1, 0 or 1; 0 for nan."""
    return np.subtract(x > 0, x < 0, dtype=x.dtype) if x.dtype.kind != "b" else x.copy()


@op(prepare=one_float)
def exp(x: Array) -> Array:
    """e to the x; too large is inf."""
    return quiet().run(np.exp, x)


@op(prepare=one_float)
def expm1(x: Array) -> Array:
    """exp(x) - 1, right for small x."""
    return quiet().run(np.expm1, x)


@op(prepare=one_float)
def log(x: Array) -> Array:
    """The natural logarithm; -inf at 0, nan below."""
    return quiet().run(np.log, x)


@op(prepare=one_float)
def log1p(x: Array) -> Array:
    """log(1 + x), right for small x."""
    return quiet().run(np.log1p, x)


@op(prepare=one_float)
def sqrt(x: Array) -> Array:
    """The square root; nan below 0."""
    return quiet().run(np.sqrt, x)


@op(prepare=one_float)
def sin(x: Array) -> Array:
    """The sine of x radians."""
    return quiet().run(np.sin, x)


@op(prepare=one_float)
def cos(x: Array) -> Array:
    """The cosine of x radians."""
    return quiet().run(np.cos, x)


@op(prepare=one_float)
def tanh(x: Array) -> Array:
    """The hyperbolic tangent."""
    return np.tanh(x)


@op(prepare=one_float)
def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)); where exp overflows it is 0, as it should be."""
    return quiet().run(_sigmoid, x)


def _sigmoid(x: Array) -> Array:
    return 1.0 / (np.exp(np.negative(x)) + 1.0)


@op
def tanh_grad(grad: Array, out: Array) -> Array:
    """grad * (1 - out * out)."""
    slope = np.multiply(out, out, out=np.empty_like(out))  # given memory, since a 0-d result would be no array
    np.subtract(1.0, slope, out=slope)
    return quiet().run(np.multiply, slope, grad, out=slope)  # 0 * inf is nan


@op
def sigmoid_grad(grad: Array, out: Array) -> Array:
    """grad * out * (1 - out)."""
    slope = np.subtract(1.0, out, out=np.empty_like(out))
    np.multiply(slope, out, out=slope)
    return quiet().run(np.multiply, slope, grad, out=slope)  # 0 * inf is nan


def square(input: Tensor) -> Tensor:
    """x * x."""
    return multiply(input, input)


def log2(input: Tensor) -> Tensor:
    """The logarithm to base 2."""
    return divide(log(input), math.log(2.0))


def log10(input: Tensor) -> Tensor:
    """The logarithm to base 10."""
    return divide(log(input), math.log(10.0))


def rsqrt(input: Tensor) -> Tensor:
    """1 / sqrt(x)."""
    return divide(1.0, sqrt(input))


def reciprocal(input: Tensor) -> Tensor:
    """1 / x."""
    return divide(1.0, input)
