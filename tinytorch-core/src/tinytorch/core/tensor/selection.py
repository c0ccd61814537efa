"""Selection: for each element the one or the other, by a condition or by bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.tensor.comparison import greater, less, logical_or, not_equal
from tinytorch.core.tensor.masks import chosen
from tinytorch.core.tensor.numbers import real
from tinytorch.core.tensor.op import Op, op
from tinytorch.core.tensor.promotion import (
    as_one,
    check_broadcast,
    checked_operands,
    common_dtype,
    number,
    tensors_only,
)

if TYPE_CHECKING:
    from tinytorch.core.tensor.tensor import Tensor
    from tinytorch.types import Array, DType


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


def where(condition: Tensor, input: Any, other: Any) -> Tensor:
    """`input` where the condition holds, `other` elsewhere; all three broadcast."""
    return select(condition, input, other)


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
    return clip(x, *[None if bound is None else number("clamp", bound, dtype).item() for bound in (min, max)])


def _clamp_to_tensors(input: Tensor, low: Any, high: Any) -> Tensor:
    """Equal to a bound counts as within; a bound of nan gives nan."""
    for bound, beyond in ((low, less), (high, greater)):
        if bound is not None:
            input = select(logical_or(beyond(input, bound), not_equal(bound, bound)), bound, input)
    return input


def clamp_min(input: Tensor, min: Any) -> Tensor:
    """Nothing lower than `min`."""
    return clamp(input, min)


def clamp_max(input: Tensor, max: Any) -> Tensor:
    """Nothing higher than `max`."""
    return clamp(input, None, max)


def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """`value`, a number or a 0-d tensor, where the mask is True."""
    if not isinstance(value, Op.tensor_class):
        return select(mask, _filling(input.array.dtype, value), input)
    if value.ndim:
        raise ValueError(f"masked_fill: expected a number or a 0-d tensor to fill with, got shape {value.shape}")
    return select(mask, value.to(input.dtype), input)


def _filling(dtype: DType, value: Any) -> Tensor:
    """A number in the dtype of a tensor; one that would lose its fraction is refused."""
    real("masked_fill", "value", value)
    filling = number("masked_fill", value, dtype)
    if dtype.kind in "iu" and filling.array != value:
        raise TypeError(f"masked_fill: {value!r} does not fit into a {dtype} tensor")
    return filling
