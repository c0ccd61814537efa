"""Windows: sizes, paddings and steps, as people give them and as kernels take them."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tinytorch.core.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinytorch.types import Array

    Pair = tuple[int, int]
    Sides = tuple[Pair, Pair]  # (top, bottom), (left, right)


def of_one_or_many(ndim: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a function of a batch of `ndim` dimensions: it then takes one sample without the first of them too."""

    def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def with_batch(input: Tensor, *args: Any, **options: Any) -> Any:
            if not isinstance(input, Tensor) or input.ndim != ndim - 1:
                return function(input, *args, **options)
            out = function(input.unsqueeze(0), *args, **options)
            return tuple(each.squeeze(0) for each in out) if isinstance(out, tuple) else out.squeeze(0)

        return with_batch

    return decorated


def pair(name: str, what: str, value: Any, least: int = 1) -> Pair:
    """An int or two of them as (vertical, horizontal), none below `least`."""
    first, second = value if isinstance(value, (tuple, list)) and len(value) == 2 else (value, value)
    if not (type(first) is type(second) is int and first >= least and second >= least):
        raise ValueError(f"{name}: expected {what} as an int or two ints, {least} or more, got {value!r}")
    return first, second


def sides(name: str, padding: Any, kernel: Pair, stride: Pair, dilation: Pair) -> Sides:
    """((top, bottom), (left, right)) of an int, a pair, four numbers (left, right, top, bottom), 'same' or 'valid'."""
    if type(padding) is int and padding >= 0:
        return (padding, padding), (padding, padding)
    if padding == "valid":
        return (0, 0), (0, 0)
    if padding == "same":
        if stride != (1, 1):
            raise ValueError(f"{name}: padding 'same' needs stride 1, got {stride}")
        totals = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        return (totals[0] // 2, totals[0] - totals[0] // 2), (totals[1] // 2, totals[1] - totals[1] // 2)
    if isinstance(padding, (tuple, list)) and len(padding) == 4 and all(type(n) is int and n >= 0 for n in padding):
        left, right, top, bottom = padding
        return (top, bottom), (left, right)
    if isinstance(padding, str):
        raise ValueError(f"{name}: expected padding as numbers, 'same' or 'valid', got {padding!r}")  # noqa: TRY004  PyTorch's
    vertical, horizontal = pair(name, "padding", padding, least=0)
    return (vertical, vertical), (horizontal, horizontal)


def output_size(size: int, pads: Pair, kernel: int, stride: int, dilation: int = 1) -> int:
    """How many windows fit along a dimension."""
    return (size + pads[0] + pads[1] - dilation * (kernel - 1) - 1) // stride + 1


def channels_last(x: Array, padding: Sides, fill: float = 0.0) -> Array:
    """(batch, channels, height, width) -> (batch, height, width, channels), padded and contiguous."""
    x = x.transpose(0, 2, 3, 1)
    (top, bottom), (left, right) = padding
    if not (top or bottom or left or right):
        return contiguous(x)
    batch, height, width, channels = x.shape
    out = np.empty_like(x, shape=(batch, top + height + bottom, left + width + right, channels), order="C")
    out[:, :top] = out[:, top + height :] = fill
    out[:, :, :left] = out[:, :, left + width :] = fill
    out[:, top : top + height, left : left + width] = x
    return out


def contiguous(x: Array) -> Array:
    """Itself, or a row-major copy."""
    return x if x.flags.c_contiguous else x.copy()


def windows(x: Array, kernel: Pair, stride: Pair, dilation: Pair) -> Array:
    """All windows of a channels-last array as a view: (batch, out height, out width, kh, kw, channels)."""
    spans = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    every = sliding_window_view(x, spans, axis=(1, 2))  # (batch, places down, places across, channels, *spans)
    return every[:, :: stride[0], :: stride[1], :, :: dilation[0], :: dilation[1]].transpose(0, 1, 2, 4, 5, 3)


def window_slices(kernel: Pair, stride: Pair, dilation: Pair, out: Pair) -> list[tuple[slice, slice]]:
    """For each place in the window, where in (height, width) all windows have it."""
    return [
        tuple(  # type: ignore[misc]  # two slices
            slice(at * d, at * d + s * (n - 1) + 1, s) for at, d, s, n in zip(place, dilation, stride, out, strict=True)
        )
        for place in np.ndindex(*kernel)
    ]
