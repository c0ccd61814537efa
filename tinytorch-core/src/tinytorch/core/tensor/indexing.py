"""Indexing: picking elements by slices, integers, arrays of integers and masks; and putting them back.

`view_slice` covers what a view can do, `pick` the rest; their derivatives are `put_slice` and `put`, each the other's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.tensor.axes import one_dim, shape_of
from tinytorch.core.tensor.numbers import whole
from tinytorch.core.tensor.op import Op, op
from tinytorch.core.tensor.promotion import check_broadcast, tensors_only

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinytorch.core.tensor.tensor import Tensor
    from tinytorch.types import Array, Shape

Index = tuple[Any, ...]  # of int, slice, None, Ellipsis, integer arrays and boolean arrays


@op(view=True)
def view_slice(x: Array, index: Index) -> Array:
    """x[index] for integers, slices, None and Ellipsis: a view."""
    out: Any = x[index]
    return x[(*index, Ellipsis)] if isinstance(out, np.generic) else out  # a copied number, where a view is meant


@op
def put_slice(x: Array, index: Index, shape: Shape) -> Array:
    """Zeros of that shape with x at `index`: undoes `view_slice`."""
    out = np.zeros_like(x, shape=shape)
    out[index] = x
    return out


@op
def pick(x: Array, index: Index) -> Array:
    """x[index] where the index has integer arrays or masks, as numpy combines them."""
    return x[index]


@op
def put(x: Array, index: Index, shape: Shape) -> Array:
    """Zeros of that shape with x added at `index`; elements picked twice receive both."""
    out = np.zeros_like(x, shape=shape)
    np.add.at(out, index, x)
    return out


@op
def assign(x: Array, value: Array, index: Index) -> Array:
    """x with `value`, broadcast, at `index`."""
    out = x.copy()
    out[index] = value
    return out


@op
def gather_along(x: Array, index: Array, dim: int) -> Array:
    """out[i][j] = x[index[i][j]][j] for dim 0, and so on; index may be shorter than x in every dimension."""
    return x[_along(index, dim)]


@op
def scatter_sum(x: Array, index: Array, dim: int, shape: Shape) -> Array:
    """Zeros of that shape with x[i][j] added at [index[i][j]][j] for dim 0, and so on: undoes `gather_along`."""
    out = np.zeros_like(x, shape=shape)
    np.add.at(out, _along(index, dim), x)
    return out


def getitem(input: Tensor, index: Any) -> Tensor:
    """x[index]: integers and slices give views; integer tensors, lists and masks copy."""
    parts = plain_index(input, index)
    return pick(input, parts) if _is_advanced(parts) else view_slice(input, parts)


def gather(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """Pick along `dim` by position: out[i][j] = input[index[i][j]][j] for dim 0."""
    dim = one_dim("gather", dim, input.ndim)
    _check_positions("gather", input.shape, dim, index)
    return gather_along(input, index, dim)


def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """input plus src[i][j] at [index[i][j]][j] for dim 0, and so on."""
    dim = one_dim("scatter_add", dim, input.ndim)
    _check_positions("scatter_add", input.shape, dim, index)
    tensors_only("scatter_add", src)
    if any(n > m for n, m in zip(index.shape, src.shape, strict=False)) or src.ndim != index.ndim:
        raise ValueError(f"scatter_add: index {index.shape} is larger than src {src.shape}")
    part = src[tuple(slice(n) for n in index.shape)]
    return input + scatter_sum(part, index, dim, input.shape)


def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices of `input` along `dim` at the positions of a 1-d integer tensor."""
    dim = one_dim("index_select", dim, input.ndim)
    tensors_only("index_select", index)
    if index.ndim > 1:
        raise ValueError(f"index_select: expected a 1-d index, got shape {index.shape}")
    return getitem(input, (*[slice(None)] * dim, index))


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where the mask is True, in row-major order: (n,)."""
    tensors_only("masked_select", mask)
    check_broadcast("masked_select", (input, mask))
    shape = np.broadcast_shapes(input.shape, mask.shape)
    return getitem(input.expand(shape), mask.expand(shape))


def take_along_dim(input: Tensor, indices: Tensor, dim: int) -> Tensor:
    """As `gather`, for an index that has the input's size in the other dimensions."""
    return gather(input, dim, indices)


def nonzero(input: Tensor) -> Tensor:
    """The positions of the nonzero elements: (n, dimensions), int64."""
    return Op.tensor_class(np.argwhere(input.array))


def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """`length` slices along `dim`, from `start`: a view."""
    dim = one_dim("narrow", dim, input.ndim)
    start, length = whole("narrow", "start", start), whole("narrow", "length", length)
    if start < 0 or length < 0 or start + length > input.shape[dim]:
        raise IndexError(f"narrow: {start} to {start + length} is outside dim {dim} of size {input.shape[dim]}")
    return view_slice(input, (*[slice(None)] * dim, slice(start, start + length)))


def select(input: Tensor, dim: int, index: int) -> Tensor:
    """One slice along `dim`, without that dimension: a view."""
    return getitem(input, (*[slice(None)] * one_dim("select", dim, input.ndim), index))


def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """All slices along `dim`, without that dimension: views."""
    dim = one_dim("unbind", dim, input.ndim)
    if not input.ndim:
        raise ValueError("unbind: a 0-d tensor has no dimension to take apart")
    return tuple(select(input, dim, i) for i in range(input.shape[dim]))


def split(tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces of one size along `dim` (the last may be smaller), or of the sizes given: views."""
    dim = one_dim("split", dim, tensor.ndim)
    total, sizes = tensor.shape[dim], split_size_or_sections
    if not isinstance(sizes, (list, tuple)):
        size = whole("split", "a size or a list of sizes", sizes, least=1)
        sizes = [min(size, total - start) for start in range(0, total, size)] or [0]
    sizes = shape_of("split", (sizes,))
    if sum(sizes) != total or any(size < 0 for size in sizes):
        raise ValueError(f"split: sizes {sizes} do not add up to {total}, the size of dim {dim}")
    return tuple(narrow(tensor, dim, sum(sizes[:i]), size) for i, size in enumerate(sizes))


def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most so many pieces of equal size along `dim` (the last may be smaller): views."""
    chunks = whole("chunk", "chunks", chunks, least=1)
    size = input.shape[one_dim("chunk", dim, input.ndim)]
    return split(input, max(1, -(-size // chunks)), dim)


def plain_index(input: Tensor, index: Any) -> Index:
    """An index as numpy takes it, checked: tensors and lists become arrays, negative steps are refused."""
    parts = tuple(_part(input, each) for each in (index if isinstance(index, tuple) else (index,)))
    _check_fits(input, parts)
    return parts


def _part(input: Tensor, part: Any) -> Any:
    if part is None or part is Ellipsis:
        return part
    if isinstance(part, slice):
        bounds = [
            None if each is None else whole("getitem", "a slice", each) for each in (part.start, part.stop, part.step)
        ]
        if bounds[2] is not None and bounds[2] <= 0:
            raise ValueError(f"getitem: expected a positive step, got {part.step}; use flip")
        return slice(*bounds)
    if isinstance(part, (bool, np.bool_)):
        return np.array(part)
    if hasattr(part, "__index__") and not isinstance(part, (Op.tensor_class, np.ndarray)):
        return whole("getitem", "an index", part)
    return _index_array(part)


def _index_array(part: Any) -> Any:
    """An integer array or mask; an integer 0-d tensor is the integer."""
    try:
        array = part.array if isinstance(part, Op.tensor_class) else np.asarray(part)
    except ValueError as error:
        raise ValueError(f"getitem: expected lists of equal lengths as an index, got {part}") from error
    if array.dtype.kind not in "biu" and array.size:
        raise TypeError(
            f"getitem: expected integers, slices, None, Ellipsis or a mask, got {array.dtype} {type(part).__name__}"
        )
    if array.ndim == 0 and array.dtype.kind != "b":
        return int(array)
    return array if array.size or array.dtype.kind == "b" else array.astype(np.int64)


def _check_fits(input: Tensor, parts: Index) -> None:
    """Raise IndexError with op, dim and sizes before numpy does with less."""
    used = sum(_dims_of(part) for part in parts)
    if used > input.ndim:
        raise IndexError(f"getitem: too many indices, {used} for a tensor of {input.ndim} dimensions {input.shape}")
    if sum(part is Ellipsis for part in parts) > 1:
        raise IndexError("getitem: expected at most one Ellipsis")
    if _is_advanced(parts):
        _check_together(parts)
    dim, rest = 0, used
    for part in parts:
        rest -= _dims_of(part)
        if part is Ellipsis:
            dim = input.ndim - rest
            continue
        _check_part(input.shape, dim, part)
        dim += _dims_of(part)


def _check_together(parts: Index) -> None:
    """Raise IndexError where index arrays do not broadcast; a mask counts as the positions it holds."""
    arrays = [part for part in parts if isinstance(part, np.ndarray)]
    shapes = [(int(np.count_nonzero(array)),) if array.dtype.kind == "b" else array.shape for array in arrays]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError as error:
        raise IndexError(f"getitem: index shapes {' and '.join(map(str, shapes))} do not broadcast") from error


def _check_part(shape: Shape, dim: int, part: Any) -> None:
    if isinstance(part, int):
        low = high = part
    elif isinstance(part, np.ndarray) and part.dtype.kind == "b":
        if part.shape != shape[dim : dim + part.ndim]:
            raise IndexError(f"getitem: mask of shape {part.shape} does not fit {shape} from dim {dim}")
        return
    elif isinstance(part, np.ndarray) and part.size:
        low, high = int(part.min()), int(part.max())
    else:
        return
    if low < -shape[dim] or high >= shape[dim]:
        raise IndexError(
            f"getitem: index {low if low < -shape[dim] else high} is out of range for dim {dim} of size {shape[dim]}"
        )


def _dims_of(part: Any) -> int:
    if part is None or part is Ellipsis:
        return 0
    return int(part.ndim) if isinstance(part, np.ndarray) and part.dtype.kind == "b" else 1


def _is_advanced(parts: Index) -> bool:
    return any(isinstance(part, np.ndarray) for part in parts)


def _along(index: Array, dim: int) -> Index:
    """The full index that walks `index` along dim and stands still elsewhere."""
    places = list(np.ogrid[tuple(slice(n) for n in index.shape)])
    places[dim] = index
    return tuple(places)


def _check_positions(name: str, shape: Shape, dim: int, index: Tensor) -> None:
    if not isinstance(index, Op.tensor_class) or index.array.dtype.kind not in "iu":
        raise TypeError(
            f"{name}: expected an integer index tensor, got {getattr(index, 'dtype', type(index).__name__)}"
        )
    if index.ndim != len(shape) or any(
        n > m for i, (n, m) in enumerate(zip(index.shape, shape, strict=True)) if i != dim
    ):
        raise ValueError(f"{name}: index {index.shape} does not fit {shape} along dim {dim}")
    if index.array.size and not 0 <= index.array.min() <= index.array.max() < shape[dim]:
        raise IndexError(f"{name}: an index is out of range for dim {dim} of size {shape[dim]}")
