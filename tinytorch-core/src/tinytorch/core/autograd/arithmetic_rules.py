"""The derivatives of arithmetic: `(grad, out, *inputs, *params) -> gradients of the inputs`, written with ops.

The arguments' names say what is kept for backward (see `Op.rule`). A gradient may keep the output's shape: the engine
sums it to the input's where the input was broadcast, and stretches it where the input was reduced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinytorch.core.tensor import arithmetic
from tinytorch.core.tensor.arithmetic import divide, multiply, power, subtract
from tinytorch.core.tensor.comparison import equal_to, greater, greater_equal, less, logical_and
from tinytorch.core.tensor.elementwise import log, negative
from tinytorch.core.tensor.selection import select

if TYPE_CHECKING:
    from tinytorch.core.tensor.tensor import Tensor

    Gradients = tuple[Tensor | None, ...]


@arithmetic.add.rule
def add_rule(grad: Tensor, _out: None, _a: None, _b: None) -> Gradients:
    return grad, grad


@arithmetic.subtract.rule
def subtract_rule(grad: Tensor, _out: None, _a: None, b_for_b: Tensor | None) -> Gradients:
    return grad, None if b_for_b is None else negative(grad)


@arithmetic.multiply.rule
def multiply_rule(grad: Tensor, _out: None, a_for_b: Tensor | None, b_for_a: Tensor | None) -> Gradients:
    return (
        None if b_for_a is None else multiply(grad, b_for_a),
        None if a_for_b is None else multiply(grad, a_for_b),
    )


@arithmetic.divide.rule
def divide_rule(grad: Tensor, out_for_b: Tensor | None, _a: None, b: Tensor) -> Gradients:
    quotient = divide(grad, b)
    return quotient, None if out_for_b is None else negative(multiply(quotient, out_for_b))


@arithmetic.remainder.rule
def remainder_rule(grad: Tensor, _out: None, a_for_b: Tensor | None, b_for_b: Tensor | None) -> Gradients:
    if a_for_b is None or b_for_b is None:
        return grad, None
    return grad, negative(multiply(grad, arithmetic.floor_divide(a_for_b, b_for_b)))


@arithmetic.power.rule
def power_rule(grad: Tensor, out_for_b: Tensor | None, a: Tensor, b: Tensor) -> Gradients:
    """b * a ** (b - 1), which is 0 where b is 0 even if a is 0 too; out * log(a), which is 0 where both are 0."""
    by_base = by_exponent = None
    if a.requires_grad:
        slope = multiply(b, power(a, subtract(b, 1.0)))
        by_base = multiply(grad, select(equal_to(b, 0.0), 0.0, slope))
    if out_for_b is not None:
        at_zero = logical_and(equal_to(a, 0.0), greater_equal(b, 0.0))
        by_exponent = multiply(grad, select(at_zero, 0.0, multiply(out_for_b, log(a))))
    return by_base, by_exponent


@arithmetic.maximum.rule
def maximum_rule(grad: Tensor, _out: None, a: Tensor, b: Tensor) -> Gradients:
    return _to_the_chosen(grad, a, b, less(a, b), greater(a, b))


@arithmetic.minimum.rule
def minimum_rule(grad: Tensor, _out: None, a: Tensor, b: Tensor) -> Gradients:
    return _to_the_chosen(grad, a, b, greater(a, b), less(a, b))


def _to_the_chosen(grad: Tensor, a: Tensor, b: Tensor, not_a: Tensor, not_b: Tensor) -> Gradients:
    shared = select(equal_to(a, b), multiply(grad, 0.5), grad)  # equal ones get half each, nan leaves all to both
    return (
        select(not_a, 0.0, shared) if a.requires_grad else None,
        select(not_b, 0.0, shared) if b.requires_grad else None,
    )
