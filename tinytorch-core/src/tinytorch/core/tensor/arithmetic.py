"""Elementwise arithmetic: one output number for each input number, shapes broadcast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.tensor.masks import chosen
from tinytorch.core.tensor.numbers import whole
from tinytorch.core.tensor.op import op
from tinytorch.core.tensor.promotion import (
    as_one,
    check_broadcast,
    checked_operands,
    common_dtype,
    one,
    one_float,
    pair,
    pair_of_floats,
    tensors_only,
)

if TYPE_CHECKING:
    from tinytorch.core.tensor.tensor import Tensor
    from tinytorch.types import Array


@op(prepare=pair)
def add(a: Array, b: Array) -> Array:
    """a + b."""
    return np.add(a, b)


def _no_bools(name: str, a: Any, b: Any) -> tuple[Tensor, ...]:
    a, b = pair(name, a, b)
    if a.array.dtype.kind == "b":
        raise TypeError(f"{name}: not defined for bool tensors; convert them with .int()")
    return a, b


@op(prepare=_no_bools)
def subtract(a: Array, b: Array) -> Array:
    """a - b."""
    return np.subtract(a, b)


@op(prepare=pair)
def multiply(a: Array, b: Array) -> Array:
    """a * b."""
    return np.multiply(a, b)


@op(prepare=pair_of_floats)
def divide(a: Array, b: Array) -> Array:
    """a / b, in floats; x / 0 is inf or nan."""
    with np.errstate(all="ignore"):
        return np.true_divide(a, b)


def _nonzero_divisor(name: str, a: Any, b: Any) -> tuple[Tensor, ...]:
    a, b = _no_bools(name, a, b)
    if b.array.dtype.kind != "f" and not b.array.all():
        raise ZeroDivisionError(f"{name}: integer division by zero; divide floats to get inf or nan")
    return a, b


@op(prepare=_nonzero_divisor)
def floor_divide(a: Array, b: Array) -> Array:
    """a / b, rounded down."""
    with np.errstate(all="ignore"):
        return np.floor_divide(a, b)


@op(prepare=_nonzero_divisor)
def remainder(a: Array, b: Array) -> Array:
    """a - b * floor(a / b): it has the sign of the divisor, as Python's %."""
    with np.errstate(all="ignore"):
        return np.remainder(a, b)


def _whole_powers(name: str, a: Any, b: Any) -> tuple[Tensor, ...]:
    a, b = _no_bools(name, a, b)
    if b.array.dtype.kind != "f" and (b.array < 0).any():
        raise ValueError(f"{name}: an integer to a negative power is no integer; use a float base")
    return a, b


@op(prepare=_whole_powers)
def power(a: Array, b: Array) -> Array:
    """a ** b; squares and cubes by multiplication, hundreds of times faster than pow."""
    with np.errstate(all="ignore"):
        if b.ndim == 0 and b == 2:
            return np.multiply(a, a)
        if b.ndim == 0 and b == 3:
            return a * a * a
        return np.power(a, b)


@op(prepare=pair)
def maximum(a: Array, b: Array) -> Array:
    """The larger of the two; nan wins."""
    return np.maximum(a, b)


@op(prepare=pair)
def minimum(a: Array, b: Array) -> Array:
    """The smaller of the two; nan wins."""
    return np.minimum(a, b)


def _condition_and_two(name: str, condition: Any, a: Any, b: Any) -> tuple[Tensor, ...]:
    condition, a, b = checked_operands("where", (condition, a, b))
    condition, *_ = as_one("where", (condition,), None)
    if condition.array.dtype.kind != "b":
        raise TypeError(f"where: expected a bool condition, got {condition.dtype}")
    dtype = common_dtype((a, b))
    a, b = as_one("where", (a, b), dtype)
    check_broadcast("where", (condition, a, b))
    return condition, a, b


@op(prepare=_condition_and_two)
def select(condition: Array, a: Array, b: Array) -> Array:
    """a where the condition holds, b elsewhere."""
    if a.dtype.kind == "f" and condition.ndim and {a.shape, b.shape} <= {condition.shape, ()}:
        return chosen(condition, a, b)
    return np.where(condition, a, b)


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
    with np.errstate(over="ignore"):
        return np.exp(x)


@op(prepare=one_float)
def expm1(x: Array) -> Array:
    """exp(x) - 1, right for small x."""
    with np.errstate(over="ignore"):
        return np.expm1(x)


@op(prepare=one_float)
def log(x: Array) -> Array:
    """The natural logarithm; -inf at 0, nan below."""
    with np.errstate(all="ignore"):
        return np.log(x)


@op(prepare=one_float)
def log1p(x: Array) -> Array:
    """log(1 + x), right for small x."""
    with np.errstate(all="ignore"):
        return np.log1p(x)


@op(prepare=one_float)
def sqrt(x: Array) -> Array:
    """The square root; nan below 0."""
    with np.errstate(invalid="ignore"):
        return np.sqrt(x)


@op(prepare=one_float)
def sin(x: Array) -> Array:
    """The sine of x radians."""
    with np.errstate(invalid="ignore"):
        return np.sin(x)


@op(prepare=one_float)
def cos(x: Array) -> Array:
    """The cosine of x radians."""
    with np.errstate(invalid="ignore"):
        return np.cos(x)


@op(prepare=one_float)
def tanh(x: Array) -> Array:
    """The hyperbolic tangent."""
    return np.tanh(x)


@op(prepare=one_float)
def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), as (1 + tanh(x / 2)) / 2, which cannot overflow."""
    out = np.tanh(x * 0.5)
    return (out + 1.0) * 0.5


@op
def tanh_grad(grad: Array, out: Array) -> Array:
    """grad * (1 - out * out)."""
    slope = np.multiply(out, out, out=np.empty_like(out))  # given memory, since a 0-d result would be no array
    np.subtract(1.0, slope, out=slope)
    return np.multiply(slope, grad, out=slope)


@op
def sigmoid_grad(grad: Array, out: Array) -> Array:
    """grad * out * (1 - out)."""
    slope = np.subtract(1.0, out, out=np.empty_like(out))
    np.multiply(slope, out, out=slope)
    return np.multiply(slope, grad, out=slope)


@op(prepare=one)
def floor(x: Array) -> Array:
    """The largest whole number not above x."""
    return np.floor(x) if x.dtype.kind == "f" else x.copy()


@op(prepare=one)
def ceil(x: Array) -> Array:
    """The smallest whole number not below x."""
    return np.ceil(x) if x.dtype.kind == "f" else x.copy()


@op(prepare=one)
def rint(x: Array) -> Array:
    """The nearest whole number, ties to the even one."""
    return np.rint(x) if x.dtype.kind == "f" else x.copy()


@op(prepare=tensors_only)
def clip(x: Array, low: float | None, high: float | None) -> Array:
    """x, no lower than `low` and no higher than `high`; None is no bound."""
    return np.clip(x, low, high)


def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """Limit every element to [min, max]; the bounds are numbers or tensors, None is no bound."""
    if min is None and max is None:
        raise ValueError("clamp: expected min or max or both, got neither")
    checked_operands("clamp", tuple(bound for bound in (input, min, max) if bound is not None))
    if isinstance(min, type(input)) or isinstance(max, type(input)):
        return _clamp_to_tensors(input, min, max)
    dtype = common_dtype((input, *[bound for bound in (min, max) if bound is not None]))
    (x,) = as_one("clamp", (input,), dtype)
    return clip(x, *[None if bound is None else dtype.type(bound).item() for bound in (min, max)])


def _clamp_to_tensors(input: Tensor, low: Any, high: Any) -> Tensor:
    """Equal to a bound counts as within; a bound of nan gives nan."""
    from tinytorch.core.tensor.comparison import greater, less, logical_or, not_equal

    for bound, beyond in ((low, less), (high, greater)):
        if bound is not None:
            input = select(logical_or(beyond(input, bound), not_equal(bound, bound)), bound, input)
    return input


def where(condition: Tensor, input: Any, other: Any) -> Tensor:
    """`input` where the condition holds, `other` elsewhere; all three broadcast."""
    return select(condition, input, other)


def square(input: Tensor) -> Tensor:
    """x * x."""
    return multiply(input, input)


def rsqrt(input: Tensor) -> Tensor:
    """1 / sqrt(x)."""
    return divide(1.0, sqrt(input))


def reciprocal(input: Tensor) -> Tensor:
    """1 / x."""
    return divide(1.0, input)


def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """The nearest number with so many decimals, ties to the even one."""
    if whole("round", "decimals", decimals) == 0:
        return rint(input)
    return divide(rint(multiply(input, 10.0**decimals)), 10.0**decimals)
