"""The derivatives of chapter 1: `(grad, out, *inputs, *params) -> gradients of the inputs`, written with ops.

The arguments' names say what is kept for backward (see `Op.rule`). A gradient may keep the output's shape: the engine
sums it to the input's where the input was broadcast, and stretches it where the input was reduced.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.tensor import arithmetic, indexing, products, promotion, reductions, shapes
from tinytorch.core.tensor.arithmetic import add, divide, multiply, negative, power, select, subtract
from tinytorch.core.tensor.comparison import equal_to, greater, greater_equal, less, less_equal, logical_and
from tinytorch.core.tensor.products import matmul

if TYPE_CHECKING:
    from tinytorch.core.tensor.tensor import Tensor
    from tinytorch.types import DType, Shape

    Gradients = tuple[Tensor | None, ...]


# Arithmetic


@promotion.cast.rule
def cast_rule(grad: Tensor, _out: None, x_dtype: DType, _dtype: None) -> Tensor:
    return grad.to(x_dtype)


@arithmetic.add.rule
def add_rule(grad: Tensor, _out: None, _a: None, _b: None) -> Gradients:
    return grad, grad


@arithmetic.subtract.rule
def subtract_rule(grad: Tensor, _out: None, _a: None, b: Tensor) -> Gradients:
    return grad, negative(grad) if b.requires_grad else None


@arithmetic.multiply.rule
def multiply_rule(grad: Tensor, _out: None, a_for_b: Tensor | None, b_for_a: Tensor | None) -> Gradients:
    return (
        None if b_for_a is None else multiply(grad, b_for_a),
        None if a_for_b is None else multiply(grad, a_for_b),
    )


@arithmetic.divide.rule
def divide_rule(grad: Tensor, out: Tensor, a: Tensor, b: Tensor) -> Gradients:
    quotient = divide(grad, b)
    return quotient, negative(multiply(quotient, out)) if b.requires_grad else None


@arithmetic.remainder.rule
def remainder_rule(grad: Tensor, _out: None, a: Tensor, b: Tensor) -> Gradients:
    return grad, negative(multiply(grad, arithmetic.floor_divide(a, b))) if b.requires_grad else None


@arithmetic.power.rule
def power_rule(grad: Tensor, out: Tensor, a: Tensor, b: Tensor) -> Gradients:
    """b * a ** (b - 1), which is 0 where b is 0 even if a is 0 too; out * log(a), which is 0 where both are 0."""
    by_base = by_exponent = None
    if a.requires_grad:
        slope = multiply(b, power(a, subtract(b, 1.0)))
        by_base = multiply(grad, select(equal_to(b, 0.0), 0.0, slope))
    if b.requires_grad:
        at_zero = logical_and(equal_to(a, 0.0), greater_equal(b, 0.0))
        by_exponent = multiply(grad, select(at_zero, 0.0, multiply(out, arithmetic.log(a))))
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


@arithmetic.select.rule
def select_rule(grad: Tensor, _out: None, condition: Tensor, _a: None, _b: None) -> Gradients:
    return None, select(condition, grad, 0.0), select(condition, 0.0, grad)


@arithmetic.copied.rule
def copied_rule(grad: Tensor, _out: None, _x: None) -> Tensor:
    return grad


@arithmetic.negative.rule
def negative_rule(grad: Tensor, _out: None, _x: None) -> Tensor:
    return negative(grad)


@arithmetic.absolute.rule
def absolute_rule(grad: Tensor, _out: None, x: Tensor) -> Tensor:
    return multiply(grad, arithmetic.sign(x))


@arithmetic.exp.rule
def exp_rule(grad: Tensor, out: Tensor, _x: None) -> Tensor:
    return multiply(grad, out)


@arithmetic.expm1.rule
def expm1_rule(grad: Tensor, out: Tensor, _x: None) -> Tensor:
    return multiply(grad, add(out, 1.0))


@arithmetic.log.rule
def log_rule(grad: Tensor, _out: None, x: Tensor) -> Tensor:
    return divide(grad, x)


@arithmetic.log1p.rule
def log1p_rule(grad: Tensor, _out: None, x: Tensor) -> Tensor:
    return divide(grad, add(x, 1.0))


@arithmetic.sqrt.rule
def sqrt_rule(grad: Tensor, out: Tensor, _x: None) -> Tensor:
    return divide(grad, multiply(out, 2.0))


@arithmetic.sin.rule
def sin_rule(grad: Tensor, _out: None, x: Tensor) -> Tensor:
    return multiply(grad, arithmetic.cos(x))


@arithmetic.cos.rule
def cos_rule(grad: Tensor, _out: None, x: Tensor) -> Tensor:
    return negative(multiply(grad, arithmetic.sin(x)))


@arithmetic.tanh.rule
def tanh_rule(grad: Tensor, out: Tensor, _x: None) -> Tensor:
    return arithmetic.tanh_grad(grad, out)


@arithmetic.tanh_grad.rule
def tanh_grad_rule(grad: Tensor, _out: None, grad_out: Tensor, out: Tensor) -> Gradients:
    return arithmetic.tanh_grad(grad, out), multiply(multiply(grad, grad_out), multiply(out, -2.0))


@arithmetic.sigmoid.rule
def sigmoid_rule(grad: Tensor, out: Tensor, _x: None) -> Tensor:
    return arithmetic.sigmoid_grad(grad, out)


@arithmetic.sigmoid_grad.rule
def sigmoid_grad_rule(grad: Tensor, _out: None, grad_out: Tensor, out: Tensor) -> Gradients:
    return arithmetic.sigmoid_grad(grad, out), multiply(multiply(grad, grad_out), subtract(1.0, multiply(out, 2.0)))


@arithmetic.clip.rule
def clip_rule(grad: Tensor, _out: None, x: Tensor, low: float | None, high: float | None) -> Tensor:
    """The gradient passes where x is within the bounds, the bounds included."""
    above = None if low is None else greater_equal(x, low)
    below = None if high is None else less_equal(x, high)
    inside = below if above is None else above if below is None else logical_and(above, below)
    return select(inside, grad, 0.0)


def _flat(grad: Tensor, _out: None, _x: None) -> Tensor:
    """A step function has slope 0 wherever it has one."""
    return multiply(grad, 0.0)


for step in (arithmetic.sign, arithmetic.floor, arithmetic.ceil, arithmetic.rint):
    step.rule(_flat)


# Shapes


@shapes.reshape_to.rule
def reshape_rule(grad: Tensor, _out: None, x_shape: Shape, _shape: None) -> Tensor:
    return shapes.reshape_to(grad, x_shape)


@shapes.permute_dims.rule
def permute_rule(grad: Tensor, _out: None, _x: None, dims: tuple[int, ...]) -> Tensor:
    return shapes.permute_dims(grad, tuple(int(i) for i in np.argsort(dims)))


@shapes.broadcast_to.rule
def broadcast_rule(grad: Tensor, _out: None, _x: None, _shape: None) -> Tensor:
    return grad  # summed by the engine


@shapes.concatenate.rule
def concatenate_rule(grad: Tensor, _out: None, tensors_shape: list[Shape], dim: int) -> Gradients:
    return indexing.split(grad, [shape[dim] for shape in tensors_shape], dim)


@shapes.flip_dims.rule
def flip_rule(grad: Tensor, _out: None, _x: None, dims: tuple[int, ...]) -> Tensor:
    return shapes.flip_dims(grad, dims)


@shapes.pad_constant.rule
def pad_rule(grad: Tensor, _out: None, _x: None, widths: tuple[tuple[int, int], ...], _value: None) -> Tensor:
    inner = zip(grad.shape, widths, strict=True)
    return indexing.view_slice(grad, tuple(slice(before, n - after) for n, (before, after) in inner))


# Indexing


@indexing.view_slice.rule
def view_slice_rule(grad: Tensor, _out: None, x_shape: Shape, index: Any) -> Tensor:
    return indexing.put_slice(grad, index, x_shape)


@indexing.put_slice.rule
def put_slice_rule(grad: Tensor, _out: None, _x: None, index: Any, _shape: None) -> Tensor:
    return indexing.view_slice(grad, index)


@indexing.pick.rule
def pick_rule(grad: Tensor, _out: None, x_shape: Shape, index: Any) -> Tensor:
    return indexing.put(grad, index, x_shape)


@indexing.put.rule
def put_rule(grad: Tensor, _out: None, _x: None, index: Any, _shape: None) -> Tensor:
    return indexing.pick(grad, index)


@indexing.assign.rule
def assign_rule(grad: Tensor, _out: None, _x: None, value: Tensor, index: Any) -> Gradients:
    return indexing.assign(grad, grad.new_zeros(()), index), indexing.getitem(
        grad, index
    ) if value.requires_grad else None


@indexing.gather_along.rule
def gather_rule(grad: Tensor, _out: None, x_shape: Shape, index: Tensor, dim: int) -> Gradients:
    return indexing.scatter_sum(grad, index, dim, x_shape), None


@indexing.scatter_sum.rule
def scatter_rule(grad: Tensor, _out: None, _x: None, index: Tensor, dim: int, _shape: None) -> Gradients:
    return indexing.gather_along(grad, index, dim), None


# Reductions


def _kept(tensor: Tensor, dims: tuple[int, ...], keepdim: bool) -> Tensor:
    """A reduced tensor with its reduced dimensions as size 1 again."""
    if keepdim or not tensor.ndim:  # a single number stretches to any shape
        return tensor
    shape = list(tensor.shape)
    for dim in dims:
        shape.insert(dim, 1)
    return shapes.reshape_to(tensor, tuple(shape))


@reductions.reduce_sum.rule
def sum_rule(grad: Tensor, _out: None, _x: None, dims: tuple[int, ...], keepdim: bool) -> Tensor:
    return _kept(grad, dims, keepdim)  # stretched by the engine


@reductions.reduce_mean.rule
def mean_rule(grad: Tensor, _out: None, x_shape: Shape, dims: tuple[int, ...], keepdim: bool) -> Tensor:
    return _kept(divide(grad, float(math.prod([x_shape[dim] for dim in dims]))), dims, keepdim)


def _extreme_rule(grad: Tensor, out: Tensor, x: Tensor, dims: tuple[int, ...], keepdim: bool) -> Tensor:
    """Equal extremes share the gradient."""
    chosen = equal_to(x, _kept(out, dims, keepdim)).to(grad.dtype)
    share = divide(chosen, reductions.reduce_sum(chosen, dims, True))
    return multiply(_kept(grad, dims, keepdim), share)


reductions.reduce_max.rule(_extreme_rule)
reductions.reduce_min.rule(_extreme_rule)


@reductions.reduce_prod.rule
def prod_rule(grad: Tensor, _out: None, x: Tensor, dims: tuple[int, ...], keepdim: bool) -> Tensor:
    """Each element's slope is the product of the others: of those before it times those after it; zeros do no harm."""
    kept = [i for i in range(x.ndim) if i not in dims]
    last = [*kept, *dims]
    rows = shapes.permute_dims(x, tuple(last)).reshape(*[x.shape[i] for i in kept], math.prod(x.shape[i] for i in dims))
    others = multiply(_products_before(rows), _products_before(rows.flip(-1)).flip(-1))
    slope = shapes.permute_dims(others.reshape([x.shape[i] for i in last]), tuple(int(i) for i in np.argsort(last)))
    return multiply(_kept(grad, dims, keepdim), slope)


def _products_before(rows: Tensor) -> Tensor:
    """For each element of the last dimension the product of those before it, doubling steps (Hillis & Steele 1986)."""
    size, step = rows.shape[-1], 1
    ones = rows.new_ones((*rows.shape[:-1], 1))
    out = shapes.cat([ones, rows[..., : max(size - 1, 0)]], -1) if size else rows
    while step < size:
        shifted = shapes.cat([ones.expand(*rows.shape[:-1], step), out[..., : size - step]], -1)
        out, step = multiply(out, shifted), step * 2
    return out


@reductions.cumulative_sum.rule
def cumsum_rule(grad: Tensor, _out: None, _x: None, dim: int) -> Tensor:
    return reductions.cumulative_sum(grad.flip(dim), dim).flip(dim)


# Products


@products.matmul.rule
def matmul_rule(grad: Tensor, _out: None, a: Tensor, b: Tensor) -> Gradients:
    left = a if a.ndim > 1 else a.unsqueeze(0)
    right = b if b.ndim > 1 else b.unsqueeze(1)
    grad = grad if a.ndim > 1 else grad.unsqueeze(-1 if b.ndim == 1 else -2)
    grad = grad if b.ndim > 1 else grad.unsqueeze(-1)
    by_left = matmul(grad, right.mT) if a.requires_grad else None
    if right.ndim == 2 and left.ndim > 2:  # one product over all rows instead of a sum of products
        left, grad = left.flatten(0, -2), grad.flatten(0, -2)
    by_right = matmul(left.mT, grad) if b.requires_grad else None
    return (
        by_left if a.ndim > 1 or by_left is None else by_left.sum(tuple(range(by_left.ndim - 1))),
        by_right if b.ndim > 1 or by_right is None else by_right.squeeze(-1),
    )
