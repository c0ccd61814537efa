"""Arithmetic: one number of two, element by element; shapes broadcast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.tensor.op import op
from tinytorch.core.tensor.promotion import pair, pair_of_floats
from tinytorch.core.tensor.quiet import quiet

if TYPE_CHECKING:
    from tinytorch.core.tensor.tensor import Tensor
    from tinytorch.types import Array


@op(prepare=pair)
def add(a: Array, b: Array) -> Array:
    """a + b."""
    return quiet().run(np.add, a, b)


def _no_bools(name: str, a: Any, b: Any) -> tuple[Tensor, ...]:
    a, b = pair(name, a, b)
    if a.array.dtype.kind == "b":
        raise TypeError(f"{name}: not defined for bool tensors; convert them with .int()")
    return a, b


@op(prepare=_no_bools)
def subtract(a: Array, b: Array) -> Array:
    """a - b."""
    return quiet().run(np.subtract, a, b)


@op(prepare=pair)
def multiply(a: Array, b: Array) -> Array:
    """a * b."""
    return quiet().run(np.multiply, a, b)


@op(prepare=pair_of_floats)
def divide(a: Array, b: Array) -> Array:
    """a / b, in floats; x / 0 is inf or nan."""
    return quiet().run(np.true_divide, a, b)


def _nonzero_divisor(name: str, a: Any, b: Any) -> tuple[Tensor, ...]:
    a, b = _no_bools(name, a, b)
    if b.array.dtype.kind != "f" and not b.array.all():
        raise ZeroDivisionError(f"{name}: integer division by zero; divide floats to get inf or nan")
    return a, b


@op(prepare=_nonzero_divisor)
def floor_divide(a: Array, b: Array) -> Array:
    """a / b, rounded down."""
    return quiet().run(np.floor_divide, a, b)


@op(prepare=_nonzero_divisor)
def remainder(a: Array, b: Array) -> Array:
    """a - b * floor(a / b): it has the sign of the divisor, as Python's %."""
    return quiet().run(np.remainder, a, b)


def _whole_powers(name: str, a: Any, b: Any) -> tuple[Tensor, ...]:
    a, b = _no_bools(name, a, b)
    if b.array.dtype.kind != "f" and (b.array < 0).any():
        raise ValueError(f"{name}: an integer to a negative power is no integer; use a float base")
    return a, b


@op(prepare=_whole_powers)
def power(a: Array, b: Array) -> Array:
    """a ** b; squares and cubes by multiplication, hundreds of times faster than pow."""
    if b.ndim == 0 and b == 2:
        return quiet().run(np.multiply, a, a)
    if b.ndim == 0 and b == 3:
        return quiet().run(np.multiply, quiet().run(np.multiply, a, a), a)
    return quiet().run(np.power, a, b)


@op(prepare=pair)
def maximum(a: Array, b: Array) -> Array:
    """The larger of the two; nan wins."""
    return np.maximum(a, b)


@op(prepare=pair)
def minimum(a: Array, b: Array) -> Array:
    """The smaller of the two; nan wins."""
    return np.minimum(a, b)


def add_scaled(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """Add: input + alpha * other."""
    return add(input, other if alpha == 1 else multiply(other, alpha))


def subtract_scaled(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """Subtract: input - alpha * other."""
    return subtract(input, other if alpha == 1 else multiply(other, alpha))
