"""The derivatives of reductions: one gradient for all that were added, a share for those that were largest."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tinytorch.core.tensor import joining, reductions, shapes
from tinytorch.core.tensor.arithmetic import divide, multiply
from tinytorch.core.tensor.comparison import equal_to

if TYPE_CHECKING:
    from tinytorch.core.tensor.tensor import Tensor
    from tinytorch.types import Shape


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
    out = joining.cat([ones, rows[..., : max(size - 1, 0)]], -1) if size else rows
    while step < size:
        shifted = joining.cat([ones.expand(*rows.shape[:-1], step), out[..., : size - step]], -1)
        out, step = multiply(out, shifted), step * 2
    return out


@reductions.cumulative_sum.rule
def cumsum_rule(grad: Tensor, _out: None, _x: None, dim: int) -> Tensor:
    return reductions.cumulative_sum(grad.flip(dim), dim).flip(dim)
