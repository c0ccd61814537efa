"""Joining: tensors put together, and one tensor put together anew: padded, repeated, rolled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.tensor.axes import either, one_dim, shape_of
from tinytorch.core.tensor.numbers import real
from tinytorch.core.tensor.op import Op, op
from tinytorch.core.tensor.promotion import as_one, common_dtype, tensors_only
from tinytorch.core.tensor.shapes import broadcast_to, ravel, reshape_to, unsqueeze

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinytorch.core.tensor.tensor import Tensor
    from tinytorch.types import Array, Arrays


@op
def concatenate(tensors: Arrays, dim: int) -> Array:
    """The tensors, one behind the other along `dim`."""
    return np.concatenate(tensors, axis=dim)


@op
def pad_constant(x: Array, widths: tuple[tuple[int, int], ...], value: float) -> Array:
    """x with `widths[i]` = (before, after) elements of `value` added around dimension i."""
    out = np.full_like(
        x, value, shape=tuple(n + before + after for n, (before, after) in zip(x.shape, widths, strict=True))
    )
    out[tuple(slice(before, before + n) for n, (before, _) in zip(x.shape, widths, strict=True))] = x
    return out


def cat(tensors: Sequence[Tensor], dim: int = 0, *, axis: int | None = None) -> Tensor:
    """Join tensors along a dimension; the other sizes must agree."""
    dim = either("cat", "dim", dim, axis, default=0)
    given = _sequence("cat", tensors)
    parts = [part for part in given if part.shape != (0,)] or given[
        :1
    ]  # an empty list's tensor joins with any, as in PyTorch
    dim = one_dim("cat", dim, parts[0].ndim)
    if parts[0].ndim == 0:
        raise ValueError("cat: a 0-d tensor has no dimension to join along; use stack")
    for part in parts[1:]:
        rest = [shape[:dim] + shape[dim + 1 :] for shape in (parts[0].shape, part.shape)]
        if part.ndim != parts[0].ndim or rest[0] != rest[1]:
            raise ValueError(f"cat: shapes {parts[0].shape} and {part.shape} differ outside dim {dim}")
    dtype = common_dtype(given)
    return concatenate([as_one("cat", (part,), dtype)[0] for part in parts], dim)


def stack(tensors: Sequence[Tensor], dim: int = 0, *, axis: int | None = None) -> Tensor:
    """Join tensors of one shape along a new dimension."""
    dim = either("stack", "dim", dim, axis, default=0)
    parts = _sequence("stack", tensors)
    for part in parts[1:]:
        if part.shape != parts[0].shape:
            raise ValueError(f"stack: expected tensors of one shape, got {parts[0].shape} and {part.shape}")
    place = one_dim("stack", dim, parts[0].ndim + 1)
    return cat([unsqueeze(part, place) for part in parts], place)


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float = 0.0) -> Tensor:
    """Add `value` around: pad is (before, after) for the last dimension, then for the one before it, and so on."""
    tensors_only("pad", input)
    pad = shape_of("pad", tuple(pad) if isinstance(pad, (list, tuple)) else (pad,))
    if mode != "constant" or len(pad) % 2 or len(pad) > 2 * input.ndim or any(n < 0 for n in pad):
        raise ValueError(
            f"pad: expected pairs of sizes of 0 or more for mode 'constant', got {tuple(pad)} and {mode!r}"
        )
    given = [(pad[i], pad[i + 1]) for i in range(0, len(pad), 2)]
    return pad_constant(input, (*[(0, 0)] * (input.ndim - len(given)), *reversed(given)), real("pad", "value", value))


def repeat(input: Tensor, *sizes: Any) -> Tensor:
    """The whole tensor repeated so many times along each dimension."""
    times = shape_of("repeat", sizes)
    if any(count < 0 for count in times):
        raise ValueError(f"repeat: expected counts of 0 or more, got {times}")
    if len(times) < input.ndim:
        raise ValueError(f"repeat: expected at least {input.ndim} counts for shape {input.shape}, got {len(times)}")
    shape = (1,) * (len(times) - input.ndim) + input.shape
    between = [size for n in shape for size in (1, n)]
    stretched = [size for count, n in zip(times, shape, strict=True) for size in (count, n)]
    spread = broadcast_to(reshape_to(input, tuple(between)), tuple(stretched))
    return reshape_to(spread, tuple(count * n for count, n in zip(times, shape, strict=True)))


def roll(input: Tensor, shifts: Any, dims: Any = ()) -> Tensor:
    """The elements moved on along these dimensions, the last ones to the front; without dims, as if flattened."""
    if dims == ():
        return roll(ravel(input), shifts, 0).reshape(input.shape)
    steps, places = [
        shape_of("roll", tuple(each) if isinstance(each, (list, tuple)) else (each,)) for each in (shifts, dims)
    ]
    if len(steps) != len(places):
        raise ValueError(f"roll: expected as many shifts as dims, got {steps} and {places}")
    for step, place in zip(steps, places, strict=True):
        dim = one_dim("roll", place, input.ndim)
        size = input.shape[dim] if input.ndim else 0
        if size:
            cut = -step % size
            input = cat([input.narrow(dim, cut, size - cut), input.narrow(dim, 0, cut)], dim)
    return input


def _sequence(name: str, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    if isinstance(tensors, Op.tensor_class) or not isinstance(tensors, (list, tuple)):
        raise TypeError(f"{name}: expected a list or tuple of tensors, got {type(tensors).__name__}")
    if not tensors:
        raise ValueError(f"{name}: expected at least one tensor, got none")
    for each in tensors:
        if not isinstance(each, Op.tensor_class):
            raise TypeError(f"{name}: expected tensors, got {type(each).__name__} among them")
    return tuple(tensors)
