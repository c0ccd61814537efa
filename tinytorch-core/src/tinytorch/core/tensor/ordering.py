"""Order: sorting, the largest few and the different ones, with the positions they came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinytorch.core.tensor.arithmetic import maximum, minimum
from tinytorch.core.tensor.axes import either, one_dim
from tinytorch.core.tensor.indexing import gather_along
from tinytorch.core.tensor.numbers import flag
from tinytorch.core.tensor.op import Op, op
from tinytorch.core.tensor.reductions import amax, amin, argmax, argmin
from tinytorch.core.tensor.shapes import unsqueeze

if TYPE_CHECKING:
    from tinytorch.core.tensor.tensor import Tensor
    from tinytorch.types import Array


class ValuesAndIndices(NamedTuple):
    """What was found, and where."""

    values: Tensor
    indices: Tensor


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


def sort(
    input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = True, axis: int | None = None
) -> ValuesAndIndices:
    """The elements in order along `dim`, and where they came from; always stable."""
    dim = one_dim("sort", either("sort", "dim", dim, axis, default=-1), input.ndim)
    descending = flag("sort", "descending", descending)
    return _chosen(input, dim, lambda x: arg_sort(x, dim, descending))


def argsort(
    input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = True, axis: int | None = None
) -> Tensor:
    """The positions that put the elements in order along `dim`."""
    dim = one_dim("argsort", either("argsort", "dim", dim, axis, default=-1), input.ndim)
    return sort(input, dim, flag("argsort", "descending", descending)).indices


def topk(
    input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True, *, axis: int | None = None
) -> ValuesAndIndices:
    """The k largest (or smallest) elements along `dim` in order, and where they are."""
    dim = one_dim("topk", either("topk", "dim", dim, axis, default=-1), input.ndim)
    largest = flag("topk", "largest", largest)
    size = input.shape[dim] if input.ndim else 1
    if not isinstance(k, int) or not 0 <= k <= size:
        raise ValueError(f"topk: expected k from 0 to {size}, the size of dim {dim}, got {k}")
    return _chosen(input, dim, lambda x: arg_top_k(x, k, dim, largest))


def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The different elements (or slices along `dim`) in order; with them where each went, and how many there were."""
    axis = None if dim is None else one_dim("unique", dim, input.ndim)
    inverse, counts = flag("unique", "return_inverse", return_inverse), flag("unique", "return_counts", return_counts)
    found: Any = np.unique(input.array, False, inverse, counts, axis)  # type: ignore[call-overload]  # stubs: no bool
    return tuple(Op.tensor_class(each) for each in found) if inverse or counts else Op.tensor_class(found)


def max(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool | None = None
) -> Any:
    """The largest element; with `dim`, (values, indices) along it; with a tensor, the larger of the two."""
    if isinstance(dim, Op.tensor_class):
        return maximum(input, dim)
    return _extreme("max", input, either("max", "dim", dim, axis), keepdim if keepdims is None else keepdims)


def min(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool | None = None
) -> Any:
    """The smallest element; with `dim`, (values, indices) along it; with a tensor, the smaller of the two."""
    if isinstance(dim, Op.tensor_class):
        return minimum(input, dim)
    return _extreme("min", input, either("min", "dim", dim, axis), keepdim if keepdims is None else keepdims)


def _extreme(name: str, input: Tensor, dim: int | None, keepdim: bool) -> Any:
    extreme, where = (amax, argmax) if name == "max" else (amin, argmin)
    if dim is None:
        return extreme(input, None, flag(name, "keepdim", keepdim))
    dim = one_dim(name, dim, input.ndim)
    indices = where(input, dim, True)
    values = _picked(input, indices, dim)
    if flag(name, "keepdim", keepdim) or not input.ndim:
        return ValuesAndIndices(values, indices)
    return ValuesAndIndices(values.squeeze(dim), indices.squeeze(dim))


def _chosen(input: Tensor, dim: int, positions: Any) -> ValuesAndIndices:
    x = input if input.ndim else unsqueeze(input, 0)
    indices = positions(x)
    values = gather_along(x, indices, dim)
    return ValuesAndIndices(values, indices) if input.ndim else ValuesAndIndices(values.squeeze(0), indices.squeeze(0))


def _picked(input: Tensor, indices: Tensor, dim: int) -> Tensor:
    return gather_along(input, indices, dim) if input.ndim else input.clone()
