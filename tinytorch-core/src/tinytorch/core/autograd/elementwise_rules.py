"""The derivatives of functions of one tensor, and of choosing between two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinytorch.core.tensor import elementwise, promotion, rounding, selection
from tinytorch.core.tensor.arithmetic import add, divide, multiply, subtract
from tinytorch.core.tensor.comparison import greater_equal, less_equal, logical_and
from tinytorch.core.tensor.elementwise import negative
from tinytorch.core.tensor.selection import select

if TYPE_CHECKING:
    from tinytorch.core.tensor.tensor import Tensor
    from tinytorch.types import DType

    Gradients = tuple[Tensor | None, ...]


@promotion.cast.rule
def cast_rule(grad: Tensor, _out: None, x_dtype: DType, _dtype: None) -> Tensor:
    return grad.to(x_dtype)


@elementwise.copied.rule
def copied_rule(grad: Tensor, _out: None, _x: None) -> Tensor:
    return grad


@elementwise.negative.rule
def negative_rule(grad: Tensor, _out: None, _x: None) -> Tensor:
    return negative(grad)


@elementwise.absolute.rule
def absolute_rule(grad: Tensor, _out: None, x: Tensor) -> Tensor:
    return multiply(grad, elementwise.sign(x))


@elementwise.exp.rule
def exp_rule(grad: Tensor, out: Tensor, _x: None) -> Tensor:
    return multiply(grad, out)


@elementwise.expm1.rule
def expm1_rule(grad: Tensor, out: Tensor, _x: None) -> Tensor:
    return multiply(grad, add(out, 1.0))


@elementwise.log.rule
def log_rule(grad: Tensor, _out: None, x: Tensor) -> Tensor:
    return divide(grad, x)


@elementwise.log1p.rule
def log1p_rule(grad: Tensor, _out: None, x: Tensor) -> Tensor:
    return divide(grad, add(x, 1.0))


@elementwise.sqrt.rule
def sqrt_rule(grad: Tensor, out: Tensor, _x: None) -> Tensor:
    return divide(grad, multiply(out, 2.0))


@elementwise.sin.rule
def sin_rule(grad: Tensor, _out: None, x: Tensor) -> Tensor:
    return multiply(grad, elementwise.cos(x))


@elementwise.cos.rule
def cos_rule(grad: Tensor, _out: None, x: Tensor) -> Tensor:
    return negative(multiply(grad, elementwise.sin(x)))


@elementwise.tanh.rule
def tanh_rule(grad: Tensor, out: Tensor, _x: None) -> Tensor:
    return elementwise.tanh_grad(grad, out)


@elementwise.tanh_grad.rule
def tanh_grad_rule(grad: Tensor, _out: None, grad_out: Tensor, out: Tensor) -> Gradients:
    return elementwise.tanh_grad(grad, out), multiply(multiply(grad, grad_out), multiply(out, -2.0))


@elementwise.sigmoid.rule
def sigmoid_rule(grad: Tensor, out: Tensor, _x: None) -> Tensor:
    return elementwise.sigmoid_grad(grad, out)


@elementwise.sigmoid_grad.rule
def sigmoid_grad_rule(grad: Tensor, _out: None, grad_out: Tensor, out: Tensor) -> Gradients:
    return elementwise.sigmoid_grad(grad, out), multiply(multiply(grad, grad_out), subtract(1.0, multiply(out, 2.0)))


def _flat(grad: Tensor, _out: None, _x: None) -> Tensor:
    """A step function has slope 0 wherever it has one."""
    return multiply(grad, 0.0)


for step in (elementwise.sign, rounding.floor, rounding.ceil, rounding.rint):
    step.rule(_flat)


@selection.select.rule
def select_rule(grad: Tensor, _out: None, condition: Tensor, _a: None, _b: None) -> Gradients:
    return None, select(condition, grad, 0.0), select(condition, 0.0, grad)


@selection.clip.rule
def clip_rule(grad: Tensor, _out: None, x: Tensor, low: float | None, high: float | None) -> Tensor:
    """The gradient passes where x is within the bounds, the bounds included."""
    above = None if low is None else greater_equal(x, low)
    below = None if high is None else less_equal(x, high)
    inside = below if above is None else above if below is None else logical_and(above, below)
    return select(inside, grad, 0.0)
