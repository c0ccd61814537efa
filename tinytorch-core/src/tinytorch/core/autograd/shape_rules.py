"""The derivatives of shapes and indexing: what moved numbers moves their gradients back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.tensor import indexing, joining, shapes

if TYPE_CHECKING:
    from tinytorch.core.tensor.tensor import Tensor
    from tinytorch.types import Shape

    Gradients = tuple[Tensor | None, ...]


@shapes.reshape_to.rule
def reshape_rule(grad: Tensor, _out: None, x_shape: Shape, _shape: None) -> Tensor:
    return shapes.reshape_to(grad, x_shape)


@shapes.permute_dims.rule
def permute_rule(grad: Tensor, _out: None, _x: None, dims: tuple[int, ...]) -> Tensor:
    return shapes.permute_dims(grad, tuple(int(i) for i in np.argsort(dims)))


@shapes.broadcast_to.rule
def broadcast_rule(grad: Tensor, _out: None, _x: None, _shape: None) -> Tensor:
    return grad  # summed by the engine


@joining.concatenate.rule
def concatenate_rule(grad: Tensor, _out: None, tensors_shape: list[Shape], dim: int) -> Gradients:
    return indexing.split(grad, [shape[dim] for shape in tensors_shape], dim)


@shapes.flip_dims.rule
def flip_rule(grad: Tensor, _out: None, _x: None, dims: tuple[int, ...]) -> Tensor:
    return shapes.flip_dims(grad, dims)


@joining.pad_constant.rule
def pad_rule(grad: Tensor, _out: None, _x: None, widths: tuple[tuple[int, int], ...], _value: None) -> Tensor:
    inner = zip(grad.shape, widths, strict=True)
    return indexing.view_slice(grad, tuple(slice(before, n - after) for n, (before, after) in inner))


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
