"""Rounding: to whole numbers, to decimals, and of quotients. The slope is 0 wherever there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.tensor.arithmetic import divide, floor_divide, multiply
from tinytorch.core.tensor.elementwise import absolute, sign
from tinytorch.core.tensor.numbers import whole
from tinytorch.core.tensor.op import op
from tinytorch.core.tensor.promotion import checked_operands, common_dtype, one

if TYPE_CHECKING:
    from tinytorch.core.tensor.tensor import Tensor
    from tinytorch.types import Array


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


def trunc(input: Tensor) -> Tensor:
    """x without its fraction."""
    return multiply(floor(absolute(input)), sign(input))


def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """The nearest number with so many decimals, ties to the even one."""
    if whole("round", "decimals", decimals) == 0:
        return rint(input)
    return divide(rint(multiply(input, 10.0**decimals)), 10.0**decimals)


def divide_rounded(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """a / b; rounded down for the mode "floor", towards zero for "trunc", when whole numbers stay whole."""
    if rounding_mode is None:
        return divide(input, other)
    if rounding_mode == "floor":
        return floor_divide(input, other)
    if rounding_mode != "trunc":
        raise ValueError(f"div: expected rounding_mode None, 'floor' or 'trunc', got {rounding_mode!r}")
    if common_dtype(checked_operands("div", (input, other))).kind == "f":
        return trunc(divide(input, other))
    return multiply(floor_divide(absolute(input), absolute(other)), multiply(sign(input), sign(other)))
