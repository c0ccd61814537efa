"""Order: sorting and the largest few, always with the positions they came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.tensor.arithmetic import maximum, minimum
from tinytorch.core.tensor.axes import either, one_dim
from tinytorch.core.tensor.indexing import gather_along
from tinytorch.core.tensor.op import Op, op
from tinytorch.core.tensor.reductions import ValuesAndIndices, amax, amin, argmax, argmin
from tinytorch.core.tensor.shapes import unsqueeze

if TYPE_CHECKING:
    from tinytorch.core.tensor.tensor import Tensor
    from tinytorch.types import Array


@op
def arg_sort(x: Array, dim: int, descending: bool) -> Array:
    """The positions along `dim` that put x in order; equal elements keep theirs; nan is the largest."""
    if not descending:
        return np.argsort(x, axis=dim, kind="stable")
    backwards = np.argsort(
        np.flip(x, dim), axis=dim, kind="stable"
    )  # reversed twice, so that equal elements keep their order
    return x.shape[dim] - 1 - np.flip(backwards, dim)


@op
def arg_top_k(x: Array, k: int, dim: int, largest: bool) -> Array:
    """The positions of the k largest (smallest) along `dim`, in order."""
    order = arg_sort.kernel(x, dim, largest)
    return np.take(order, np.arange(k), axis=dim)


def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = True) -> ValuesAndIndices:
    """The elements in order along `dim`, and where they came from; always stable."""
    dim = one_dim("sort", dim, input.ndim)
    return _chosen(input, dim, lambda x: arg_sort(x, dim, descending))


def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """The positions that put the elements in order along `dim`."""
    return sort(input, dim, descending, stable).indices


def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> ValuesAndIndices:
    """The k largest (or smallest) elements along `dim` in order, and where they are."""
    dim = one_dim("topk", dim, input.ndim)
    size = input.shape[dim] if input.ndim else 1
    if not isinstance(k, int) or not 0 <= k <= size:
        raise ValueError(f"topk: expected k from 0 to {size}, the size of dim {dim}, got {k}")
    return _chosen(input, dim, lambda x: arg_top_k(x, k, dim, largest))


def max(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool | None = None
) -> Any:
    """The largest element; with `dim`, (values, indices) along it; with a tensor, the larger of the two."""
    if isinstance(dim, Op.tensor_class):
        return maximum(input, dim)
    return _extreme(
        "max", input, either("max", "dim", dim, axis), keepdim if keepdims is None else keepdims, amax, argmax
    )


def min(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool | None = None
) -> Any:
    """The smallest element; with `dim`, (values, indices) along it; with a tensor, the smaller of the two."""
    if isinstance(dim, Op.tensor_class):
        return minimum(input, dim)
    return _extreme(
        "min", input, either("min", "dim", dim, axis), keepdim if keepdims is None else keepdims, amin, argmin
    )


def _extreme(name: str, input: Tensor, dim: int | None, keepdim: bool, extreme: Any, where: Any) -> Any:
    if dim is None:
        return extreme(input, None, keepdim)
    dim = one_dim(name, dim, input.ndim)
    indices = where(input, dim, True)
    values = _picked(input, indices, dim)
    if keepdim or not input.ndim:
        return ValuesAndIndices(values, indices)
    return ValuesAndIndices(values.squeeze(dim), indices.squeeze(dim))


def _chosen(input: Tensor, dim: int, positions: Any) -> ValuesAndIndices:
    x = input if input.ndim else unsqueeze(input, 0)
    indices = positions(x)
    values = gather_along(x, indices, dim)
    return ValuesAndIndices(values, indices) if input.ndim else ValuesAndIndices(values.squeeze(0), indices.squeeze(0))


def _picked(input: Tensor, indices: Tensor, dim: int) -> Tensor:
    return gather_along(input, indices, dim) if input.ndim else input.clone()
