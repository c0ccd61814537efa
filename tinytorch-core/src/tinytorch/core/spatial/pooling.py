"""Pooling: one number for each window, its largest or its mean. Channels-last inside, like convolution."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.spatial.geometry import channels_last, of_one_or_many, output_size, pair, window_slices
from tinytorch.core.tensor import Tensor, op
from tinytorch.core.tensor.arithmetic import divide
from tinytorch.core.tensor.indexing import narrow
from tinytorch.core.tensor.joining import cat
from tinytorch.core.tensor.masks import masked
from tinytorch.core.tensor.numbers import whole
from tinytorch.core.tensor.promotion import floats_only

if TYPE_CHECKING:
    from tinytorch.core.spatial.geometry import Pair, Sides
    from tinytorch.types import Array, Shape

    Gradients = tuple[Tensor | None, ...]
    Places = tuple[None, Tensor]


@op
def max_pool2d(x: Array, kernel: Pair, stride: Pair, padding: Sides, dilation: Pair) -> tuple[Array, Array]:
    """The largest of each window, and its place there: (batch, channels, h, w) -> two of (batch, channels, h', w').

    Places count row by row from 0, as the smallest unsigned integers that hold them; of equal elements the first wins,
    of nans the last. Padding counts as -inf.
    """
    images = channels_last(x, padding, -math.inf)
    views = window_slices(kernel, stride, dilation, _out_sizes(images.shape, kernel, stride, dilation))
    (down, across), *others = views
    largest = images[:, down, across].copy()
    place = _first_inside(largest, kernel, stride, padding, dilation)
    for number, (down, across) in enumerate(others, start=1):
        window = images[:, down, across]
        larger = np.greater(window, largest).astype(place.dtype)
        np.maximum(place, np.multiply(larger, number, out=larger), out=place)  # the last that was larger is the largest
        np.maximum(largest, window, out=largest)
    _point_at_nans(place, largest, images, views)
    return largest.transpose(0, 3, 1, 2), place.transpose(0, 3, 1, 2)


@op
def max_pool2d_grad(
    grad: Array, place: Array, shape: Shape, kernel: Pair, stride: Pair, padding: Sides, dilation: Pair
) -> Array:
    """The gradient of x, of the given shape: each window's goes to the place that max_pool2d gave as second output."""
    total = _zeros(grad, shape, padding)
    rows, places = grad.transpose(0, 2, 3, 1), place.transpose(0, 2, 3, 1)
    apart = stride[0] >= kernel[0] and stride[1] >= kernel[1] and dilation == (1, 1)  # no element in two windows
    for number, (down, across) in enumerate(window_slices(kernel, stride, dilation, grad.shape[2:])):
        part = masked(np.equal(places, number), rows)
        if apart:
            total[:, down, across] = part
        else:
            total[:, down, across] += part
    return _cropped(total, shape, padding)


@op
def max_pool2d_pick(x: Array, place: Array, kernel: Pair, stride: Pair, padding: Sides, dilation: Pair) -> Array:
    """From a tensor like x the elements at these places: undoes `max_pool2d_grad`, for second derivatives."""
    images, places = channels_last(x, padding), place.transpose(0, 2, 3, 1)
    picked = np.zeros_like(images, shape=places.shape)
    for number, (down, across) in enumerate(window_slices(kernel, stride, dilation, place.shape[2:])):
        picked += masked(np.equal(places, number), images[:, down, across])
    return picked.transpose(0, 3, 1, 2)


@op
def sum_pool2d(x: Array, kernel: Pair, stride: Pair, padding: Sides) -> Array:
    """The sum of each window: (batch, channels, h, w) -> (batch, channels, h', w'); padding counts as 0."""
    images = channels_last(x, padding)
    out = _out_sizes(images.shape, kernel, stride, (1, 1))
    (down, across), *others = window_slices(kernel, stride, (1, 1), out)
    total = images[:, down, across].copy()
    for down, across in others:
        total += images[:, down, across]
    return total.transpose(0, 3, 1, 2)


@op
def sum_pool2d_grad(grad: Array, shape: Shape, kernel: Pair, stride: Pair, padding: Sides) -> Array:
    """Each number of grad added to every element of its window, in a tensor of the given shape."""
    total = _zeros(grad, shape, padding)
    rows = grad.transpose(0, 2, 3, 1)
    for down, across in window_slices(kernel, stride, (1, 1), grad.shape[2:]):
        total[:, down, across] += rows
    return _cropped(total, shape, padding)


@max_pool2d.rule
def max_pool2d_rule(
    grad: Tensor, saved: Places, x_shape: Shape, kernel: Pair, stride: Pair, padding: Sides, dilation: Pair
) -> Tensor:
    return max_pool2d_grad(grad, saved[1], x_shape, kernel, stride, padding, dilation)


@max_pool2d_grad.rule
def max_pool2d_grad_rule(
    grad: Tensor,
    _out: None,
    _grad_out: None,
    place: Tensor,
    _shape: None,
    kernel: Pair,
    stride: Pair,
    padding: Sides,
    dilation: Pair,
) -> Gradients:
    return max_pool2d_pick(grad, place, kernel, stride, padding, dilation), None


@max_pool2d_pick.rule
def max_pool2d_pick_rule(
    grad: Tensor,
    _out: None,
    x_shape: Shape,
    place: Tensor,
    kernel: Pair,
    stride: Pair,
    padding: Sides,
    dilation: Pair,
) -> Gradients:
    return max_pool2d_grad(grad, place, x_shape, kernel, stride, padding, dilation), None


@sum_pool2d.rule
def sum_pool2d_rule(grad: Tensor, _out: None, x_shape: Shape, kernel: Pair, stride: Pair, padding: Sides) -> Tensor:
    return sum_pool2d_grad(grad, x_shape, kernel, stride, padding)


@sum_pool2d_grad.rule
def sum_pool2d_grad_rule(
    grad: Tensor, _out: None, _grad_out: None, _shape: None, kernel: Pair, stride: Pair, padding: Sides
) -> Tensor:
    return sum_pool2d(grad, kernel, stride, padding)


@of_one_or_many(4)
def max_pooled(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest of each window: (batch, channels, h, w) -> (batch, channels, h', w'); stride None is kernel_size.

    With return_indices also where each stands in its image, counted row by row: int64.
    """
    kernel, step, sides = _window("max_pool2d", input, kernel_size, stride, padding, dilation, ceil_mode)
    spread = pair("max_pool2d", "dilation", dilation)
    largest, place = max_pool2d(input, kernel, step, sides, spread)
    return (
        (largest, Tensor(_positions(place.array, input.shape[3], kernel, step, sides, spread)))
        if return_indices
        else largest
    )


@of_one_or_many(4)
def avg_pooled(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window: (batch, channels, h, w) -> (batch, channels, h', w'); stride None is kernel_size."""
    kernel, step, sides = _window("avg_pool2d", input, kernel_size, stride, padding, 1, ceil_mode)
    total = sum_pool2d(input, kernel, step, sides)
    if divisor_override is not None:
        return divide(total, float(whole("avg_pool2d", "divisor_override", divisor_override, least=1)))
    counted = pair("avg_pool2d", "padding", padding, least=0) if count_include_pad else (0, 0)
    ones = np.ones_like(input.array, shape=(1, 1, input.shape[2] + 2 * counted[0], input.shape[3] + 2 * counted[1]))
    (top, bottom), (left, right) = sides
    rest = (top - counted[0], bottom - counted[0]), (left - counted[1], right - counted[1])
    return divide(total, Tensor(sum_pool2d.run(ones, kernel, step, rest)))


@of_one_or_many(4)
def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """Means over output_size bins that cover the image: (batch, channels, h, w) -> (batch, channels, *output_size)."""
    _check_image("adaptive_avg_pool2d", input)
    wanted = output_size if isinstance(output_size, (tuple, list)) else (output_size, output_size)
    known = tuple(m if n is None else n for n, m in zip(wanted, input.shape[2:], strict=False))
    sizes = pair("adaptive_avg_pool2d", "output_size", known if len(wanted) == 2 else wanted)
    if sizes == (1, 1):
        return input.mean((2, 3), keepdim=True)
    return _in_bins(_in_bins(input, 2, sizes[0]), 3, sizes[1])


def _first_inside(largest: Array, kernel: Pair, stride: Pair, padding: Sides, dilation: Pair) -> Array:
    """For each window the first of its places that lies in the image, where its maximum is if all are -inf."""
    down, across = (
        np.maximum(0, -((np.arange(n) * s - before) // d))
        for n, s, (before, _), d in zip(largest.shape[1:3], stride, padding, dilation, strict=True)
    )
    out = np.zeros_like(largest, dtype=np.min_scalar_type(math.prod(kernel) - 1))
    out += (down[:, None] * kernel[1] + across).astype(out.dtype)[:, :, None]
    return out


def _point_at_nans(place: Array, largest: Array, images: Array, views: list[tuple[slice, slice]]) -> None:
    """Correct the places of windows whose largest element is nan, which is larger than nothing."""
    if not np.isnan(largest).any():
        return
    for number, (down, across) in enumerate(views):
        place[np.isnan(images[:, down, across])] = number


def _positions(place: Array, width: int, kernel: Pair, stride: Pair, padding: Sides, dilation: Pair) -> Array:
    """Places in windows as positions in an image of this width."""
    across_window, down_window = place % kernel[1], place // kernel[1]
    rows = np.arange(place.shape[2])[:, None] * stride[0] - padding[0][0] + down_window.astype(np.int64) * dilation[0]
    columns = np.arange(place.shape[3]) * stride[1] - padding[1][0] + across_window.astype(np.int64) * dilation[1]
    return np.asarray(rows * width + columns)


def _in_bins(input: Tensor, dim: int, count: int) -> Tensor:
    """The means along `dim` of bins from i * size / count to (i + 1) * size / count, rounded down and up."""
    size = input.shape[dim]
    ends = [(number * size // count, -(-(number + 1) * size // count)) for number in range(count)]
    return cat([narrow(input, dim, start, end - start).mean(dim, keepdim=True) for start, end in ends], dim)


def _window(
    name: str, input: Tensor, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> tuple[Pair, Pair, Sides]:
    """Kernel, stride and padding; ceil_mode adds what the last window needs at the bottom and on the right."""
    _check_image(name, input)
    kernel = pair(name, "kernel_size", kernel_size)
    step = kernel if stride is None else pair(name, "stride", stride)
    pads = pair(name, "padding", padding, least=0)
    spread = pair(name, "dilation", dilation)
    if any(2 * p > k for p, k in zip(pads, kernel, strict=True)):
        raise ValueError(f"{name}: padding {pads} is more than half of the kernel {kernel}")
    sides = []
    for n, k, s, p, d in zip(input.shape[2:], kernel, step, pads, spread, strict=True):
        count = output_size(n, (p, p), k, s, d)
        if ceil_mode and (n + 2 * p - d * (k - 1) - 1) % s and count * s < n + p:
            count += 1
        if count < 1:
            raise ValueError(f"{name}: a window of {kernel} does not fit into input {input.shape} with padding {pads}")
        sides.append((p, max(p, (count - 1) * s + d * (k - 1) + 1 - n - p)))
    return kernel, step, (sides[0], sides[1])


def _check_image(name: str, input: Any) -> None:
    floats_only(name, input)
    if input.ndim != 4:
        raise ValueError(f"{name}: expected (batch, channels, height, width), got shape {input.shape}")


def _out_sizes(shape: Shape, kernel: Pair, stride: Pair, dilation: Pair) -> Pair:
    return (
        output_size(shape[1], (0, 0), kernel[0], stride[0], dilation[0]),
        output_size(shape[2], (0, 0), kernel[1], stride[1], dilation[1]),
    )


def _zeros(like: Array, shape: Shape, padding: Sides) -> Array:
    """Zeros for images of (batch, channels, h, w) and their padding, channels-last."""
    (top, bottom), (left, right) = padding
    batch, channels, height, width = shape
    return np.zeros_like(like, shape=(batch, top + height + bottom, left + width + right, channels), order="C")


def _cropped(images: Array, shape: Shape, padding: Sides) -> Array:
    """Channels-last without its padding, as (batch, channels, h, w)."""
    top, left = padding[0][0], padding[1][0]
    return images[:, top : top + shape[2], left : left + shape[3]].transpose(0, 3, 1, 2)
