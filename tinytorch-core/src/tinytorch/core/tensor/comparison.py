"""Comparison and logic: tensors of True and False, which no gradient passes through."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tinytorch.core.tensor import dtypes
from tinytorch.core.tensor.arithmetic import add, multiply, subtract
from tinytorch.core.tensor.elementwise import absolute
from tinytorch.core.tensor.op import op
from tinytorch.core.tensor.promotion import cast, one, pair, tensors_only

if TYPE_CHECKING:
    from typing import Any

    from tinytorch.core.tensor.tensor import Tensor
    from tinytorch.types import Array


def _comparable(name: str, a: Any, b: Any) -> tuple[Tensor, ...]:
    """Two tensors of their common dtype; a number that this dtype has not is compared as int64."""
    try:
        return pair(name, a, b)
    except OverflowError:
        return pair(name, *[each if isinstance(each, int) else cast(each, dtypes.int64) for each in (a, b)])


@op(prepare=_comparable)
def equal_to(a: Array, b: Array) -> Array:
    """a == b, element by element."""
    return np.equal(a, b)


@op(prepare=_comparable)
def not_equal(a: Array, b: Array) -> Array:
    """a != b."""
    return np.not_equal(a, b)


@op(prepare=_comparable)
def less(a: Array, b: Array) -> Array:
    """a < b."""
    return np.less(a, b)


@op(prepare=_comparable)
def less_equal(a: Array, b: Array) -> Array:
    """a <= b."""
    return np.less_equal(a, b)


@op(prepare=_comparable)
def greater(a: Array, b: Array) -> Array:
    """a > b."""
    return np.greater(a, b)


@op(prepare=_comparable)
def greater_equal(a: Array, b: Array) -> Array:
    """a >= b."""
    return np.greater_equal(a, b)


@op(prepare=one)
def logical_not(x: Array) -> Array:
    """True where x is zero or False."""
    return np.logical_not(x)


@op(prepare=pair)
def logical_and(a: Array, b: Array) -> Array:
    """True where both are nonzero."""
    return np.logical_and(a, b)


@op(prepare=pair)
def logical_or(a: Array, b: Array) -> Array:
    """True where one is nonzero."""
    return np.logical_or(a, b)


@op(prepare=pair)
def logical_xor(a: Array, b: Array) -> Array:
    """True where exactly one is nonzero."""
    return np.logical_xor(a, b)


def _whole(name: str, *operands: Any) -> tuple[Tensor, ...]:
    tensors = pair(name, *operands) if len(operands) == 2 else one(name, *operands)
    if tensors[0].array.dtype.kind == "f":
        raise TypeError(f"{name}: expected bool or integer tensors, got {tensors[0].dtype}")
    return tensors


@op(prepare=_whole)
def bitwise_not(x: Array) -> Array:
    """~x: bits inverted, True and False exchanged."""
    return np.bitwise_not(x)


@op(prepare=_whole)
def bitwise_and(a: Array, b: Array) -> Array:
    """a & b."""
    return np.bitwise_and(a, b)


@op(prepare=_whole)
def bitwise_or(a: Array, b: Array) -> Array:
    """a | b."""
    return np.bitwise_or(a, b)


@op(prepare=_whole)
def bitwise_xor(a: Array, b: Array) -> Array:
    """a ^ b."""
    return np.bitwise_xor(a, b)


def isnan(input: Tensor) -> Tensor:
    """True where x is nan: the only number that differs from itself."""
    return not_equal(input, input)


def isinf(input: Tensor) -> Tensor:
    """True where x is inf or -inf."""
    return equal_to(absolute(input), math.inf)


def isfinite(input: Tensor) -> Tensor:
    """True where x is neither nan nor infinite."""
    return less(absolute(input), math.inf)


def isclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    """True where |input - other| <= atol + rtol * |other|, or where both are the same infinity (or nan, if asked)."""
    if input.array.dtype.kind == "b":
        return equal_to(input, other)
    near = less_equal(absolute(subtract(input, other)), add(multiply(absolute(other), rtol), atol))
    near = logical_or(logical_and(near, isfinite(other)), equal_to(input, other))
    return logical_or(near, logical_and(isnan(input), isnan(other))) if equal_nan else near


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether all elements are close; see `isclose`."""
    return bool(isclose(input, other, rtol, atol, equal_nan).array.all())


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether shapes and all elements are the same."""
    tensors_only("equal", other)
    return input.array.shape == other.array.shape and bool(equal_to(input, other).array.all())
