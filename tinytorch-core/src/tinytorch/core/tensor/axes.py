"""Dimensions as people name them (-1, a list, None) made plain."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinytorch.types import Axis, Shape


def one_dim(name: str, dim: Any, ndim: int) -> int:
    """A dimension as a number from 0; a 0-d tensor counts as having one, as in PyTorch."""
    try:
        number = operator.index(dim)
    except TypeError as error:
        raise TypeError(f"{name}: expected an integer dim, got {dim!r}") from error
    if not -max(ndim, 1) <= number < max(ndim, 1):
        raise IndexError(f"{name}: dim {number} is out of range for a tensor of {ndim} dimensions")
    return number % max(ndim, 1)


def many_dims(name: str, dim: Axis, ndim: int) -> tuple[int, ...]:
    """Dimensions as sorted numbers from 0; None, or an empty sequence, is all of them."""
    if dim is None or (isinstance(dim, (list, tuple)) and not dim):
        return tuple(range(ndim))
    return named_dims(name, dim, ndim)


def named_dims(name: str, dim: int | Sequence[int], ndim: int) -> tuple[int, ...]:
    """Dimensions as sorted numbers from 0; an empty sequence is none of them."""
    dims = [one_dim(name, each, ndim) for each in (dim if isinstance(dim, (list, tuple)) else (dim,))]
    if len(set(dims)) != len(dims):
        raise ValueError(f"{name}: dim {tuple(dim)} names a dimension twice")  # type: ignore[arg-type]  # a sequence
    return tuple(sorted(dims)) if ndim else ()


def either(name: str, torch_name: str, dim: Any, axis: Any, default: Any = None) -> Any:
    """PyTorch's `dim` or numpy's `axis`, whichever was given."""
    if axis is None:
        return dim
    if dim is not default:
        raise TypeError(f"{name}: expected {torch_name} or numpy's name for it, got both")
    return axis


def shape_of(name: str, sizes: tuple[Any, ...]) -> Shape:
    """Sizes given one by one or as one sequence, as a tuple of integers."""
    if len(sizes) == 1 and isinstance(sizes[0], (list, tuple)):
        sizes = tuple(sizes[0])
    try:
        return tuple(operator.index(size) for size in sizes)
    except TypeError as error:
        raise TypeError(f"{name}: expected integer sizes, got {sizes!r}") from error
