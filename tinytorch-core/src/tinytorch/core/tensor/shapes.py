"""Shapes: the same numbers, seen otherwise.

Most of these are views: they share the memory of what they view, as in PyTorch.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.tensor.axes import either, named_dims, one_dim, shape_of
from tinytorch.core.tensor.op import op

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinytorch.core.tensor.tensor import Tensor
    from tinytorch.types import Array, Shape


@op(view=True)
def reshape_to(x: Array, shape: Shape) -> Array:
    """The same elements in row-major order as another shape; a view where the memory allows."""
    return x.reshape(shape)


@op(view=True)
def permute_dims(x: Array, dims: tuple[int, ...]) -> Array:
    """The dimensions in another order: out.shape[i] == x.shape[dims[i]]."""
    return x.transpose(dims)


@op(view=True)
def broadcast_to(x: Array, shape: Shape) -> Array:
    """x repeated along its dimensions of size 1, and new ones in front, without copying."""
    return np.broadcast_to(x, shape)


@op(view=True)
def flip_dims(x: Array, dims: tuple[int, ...]) -> Array:
    """x with the order along these dimensions reversed."""
    return np.flip(x, dims)


def reshape(input: Tensor, *shape: Any) -> Tensor:
    """The same elements as another shape; one size may be -1, which is then worked out."""
    sizes = shape_of("reshape", shape)
    return reshape_to(input, _worked_out("reshape", input, sizes))


def view(input: Tensor, *shape: Any) -> Tensor:
    """As `reshape`, but never a copy: raises ValueError where the memory does not allow a view."""
    sizes = _worked_out("view", input, shape_of("view", shape))
    out = reshape_to(input, sizes)
    if input.array.size and not np.may_share_memory(out.array, input.array):
        raise ValueError(
            f"view: {input.shape} as {sizes} needs a copy, since the tensor is not contiguous; use reshape"
        )
    return out


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Merge the dimensions from start_dim to end_dim into one."""
    start, end = one_dim("flatten", start_dim, input.ndim), one_dim("flatten", end_dim, input.ndim)
    if start > end:
        raise ValueError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}")
    shape = input.shape
    return reshape_to(input, (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))


def ravel(input: Tensor) -> Tensor:
    """All elements in one dimension."""
    return reshape_to(input, (input.array.size,))


def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """Split one dimension into several; one size may be -1."""
    dim = one_dim("unflatten", dim, input.ndim)
    return reshape(
        input,
        (*input.shape[:dim], *_sizes_of(input.shape[dim], shape_of("unflatten", (sizes,))), *input.shape[dim + 1 :]),
    )


def permute(input: Tensor, *dims: Any) -> Tensor:
    """The dimensions in the order given."""
    order = [one_dim("permute", dim, input.ndim) for dim in shape_of("permute", dims)]
    if sorted(order) != list(range(input.ndim)):
        raise ValueError(f"permute: expected each of the {input.ndim} dimensions once, got {tuple(order)}")
    return permute_dims(input, tuple(order))


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions exchanged."""
    order = list(range(max(input.ndim, 1)))
    a, b = one_dim("transpose", dim0, input.ndim), one_dim("transpose", dim1, input.ndim)
    order[a], order[b] = order[b], order[a]
    return permute_dims(input, tuple(order[: input.ndim]))


def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """`transpose` under numpy's name."""
    return transpose(input, axis0, axis1)


def t(input: Tensor) -> Tensor:
    """A matrix transposed; a vector or a 0-d tensor as it is."""
    if input.ndim > 2:
        raise ValueError(f"t: expected at most 2 dimensions, got {input.ndim}; use transpose")
    return permute_dims(input, tuple(range(input.ndim))[::-1])


def movedim(input: Tensor, source: int, destination: int) -> Tensor:
    """One dimension moved to another place, the others in their order."""
    source, destination = one_dim("movedim", source, input.ndim), one_dim("movedim", destination, input.ndim)
    order = [dim for dim in range(input.ndim) if dim != source]
    order.insert(destination, source)
    return permute_dims(input, tuple(order[: input.ndim]))


def squeeze(input: Tensor, dim: Any = None, *, axis: Any = None) -> Tensor:
    """Without the dimensions of size 1: all of them, or those of `dim` that are."""
    dim = either("squeeze", "dim", dim, axis)
    dims = tuple(range(input.ndim)) if dim is None else named_dims("squeeze", dim, input.ndim)
    return reshape_to(input, tuple(n for i, n in enumerate(input.shape) if not (n == 1 and i in dims)))


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """With a new dimension of size 1 before dimension `dim`."""
    place = one_dim("unsqueeze", dim, input.ndim + 1)
    return reshape_to(input, (*input.shape[:place], 1, *input.shape[place:]))


def expand(input: Tensor, *sizes: Any) -> Tensor:
    """Dimensions of size 1 stretched without copying; -1 keeps a size, new dimensions come in front."""
    shape = shape_of("expand", sizes)
    new = len(shape) - input.ndim
    known = ((-1,) * new + input.shape) if new >= 0 else ()
    if new < 0 or any(
        size != old and old not in {1, -1} and size != -1 for size, old in zip(shape, known, strict=True)
    ):
        raise ValueError(f"expand: {input.shape} cannot become {shape}; only dimensions of size 1 stretch")
    if any(size < 0 for size in shape[:new]) or any(size < -1 for size in shape):
        raise ValueError(f"expand: {shape} has a negative size for a new dimension")
    return broadcast_to(input, tuple(old if size == -1 else size for size, old in zip(shape, known, strict=True)))


def flip(input: Tensor, *dims: Any) -> Tensor:
    """The order along these dimensions reversed."""
    return flip_dims(input, named_dims("flip", shape_of("flip", dims), input.ndim))


def _worked_out(name: str, input: Tensor, shape: Shape) -> Shape:
    """The shape with its -1 worked out."""
    elements = input.array.size
    known = math.prod(size for size in shape if size != -1)
    if any(size < -1 for size in shape) or shape.count(-1) > 1:
        raise ValueError(f"{name}: expected sizes of which at most one is -1, got {shape}")
    if -1 in shape and known and elements % known == 0:
        return tuple(elements // known if size == -1 else size for size in shape)
    if -1 in shape or known != elements:
        raise ValueError(f"{name}: {input.shape} has {elements} elements and cannot become {shape}")
    return shape


def _sizes_of(whole: int, sizes: Shape) -> Shape:
    known = math.prod(size for size in sizes if size != -1)
    if sizes.count(-1) == 1 and known and whole % known == 0:
        return tuple(whole // known if size == -1 else size for size in sizes)
    if known != whole or -1 in sizes:
        raise ValueError(f"unflatten: sizes {sizes} do not multiply to {whole}")
    return sizes
