"""Convolution: one small weight window over the whole image, as matrix products.

Inside, images are channels-last: the window under each output pixel is copied into a row (in runs of kernel width times
channels), and the rows are multiplied with the weight. The rows are made for a block of images at a time, so that they
stay in the cache. Results are channels-last memory seen as (batch, channels, height, width).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.spatial.geometry import channels_last, contiguous, output_size, window_slices, windows
from tinytorch.core.tensor import op
from tinytorch.core.tensor.promotion import tensors_only

if TYPE_CHECKING:
    from tinytorch.core.spatial.geometry import Pair, Sides
    from tinytorch.core.tensor import Tensor
    from tinytorch.types import Array, Shape

    Gradients = tuple[Tensor | None, ...]

BLOCK_BYTES = 2 << 20  # rows made at a time: about a level-2 cache


def _fitting(
    name: str, x: Any, weight: Any, bias: Any, stride: Pair, padding: Sides, dilation: Pair, groups: int
) -> Any:
    tensors_only(name, x)
    tensors_only(name, weight)
    shape, weight_shape = x.array.shape, weight.array.shape
    if (
        len(shape) != 4
        or len(weight_shape) != 4
        or groups < 1
        or weight_shape[0] % groups
        or shape[1] != weight_shape[1] * groups
    ):
        raise ValueError(f"{name}: input {x.shape} does not fit weight {weight.shape} with {groups} groups")
    if bias is not None and tensors_only(name, bias)[0].array.shape != weight_shape[:1]:
        raise ValueError(f"{name}: expected a bias of shape {weight.shape[:1]}, got {bias.shape}")
    if x.array.dtype != weight.array.dtype or (bias is not None and bias.array.dtype != weight.array.dtype):
        raise TypeError(f"{name}: input is {x.dtype}, weight {weight.dtype}; convert one with .to(dtype)")
    down, across = _output_sizes(shape, weight_shape, stride, padding, dilation)
    if down < 1 or across < 1:
        raise ValueError(
            f"{name}: a window of {weight.shape[2:]} does not fit into input {x.shape} with padding {padding}"
        )
    return x, weight, bias, stride, padding, dilation, groups


@op(prepare=_fitting)
def conv2d(
    x: Array, weight: Array, bias: Array | None, stride: Pair, padding: Sides, dilation: Pair, groups: int
) -> Array:
    """Slide the weight over x: (batch, in, h, w), (out, in / groups, kh, kw), (out,) -> (batch, out, h', w')."""
    out = _convolved(channels_last(x, padding), weight, stride, dilation, groups)
    if bias is not None:
        out += bias
    return out.transpose(0, 3, 1, 2)


@op
def conv2d_input_grad(
    grad: Array, weight: Array, shape: Shape, stride: Pair, padding: Sides, dilation: Pair, groups: int
) -> Array:
    """The gradient of x, of the given shape: (batch, out, h', w') -> (batch, in, h, w)."""
    kernel = weight.shape[2:]
    if stride == (1, 1):  # a convolution of the padded gradient with the weight turned around
        around = _turned_padding(kernel, padding, dilation)
        if min(around[0] + around[1]) >= 0:
            return _convolved(channels_last(grad, around), _turned(weight, groups), stride, dilation, groups).transpose(
                0, 3, 1, 2
            )
    (top, bottom), (left, right) = padding
    batch, channels, height, width = shape
    padded = np.zeros_like(grad, shape=(batch, top + height + bottom, left + width + right, channels), order="C")
    rows = grad.transpose(0, 2, 3, 1)
    parts = weight.reshape(groups, -1, *weight.shape[1:])  # (groups, out / groups, in / groups, kh, kw)
    for place, (down, across) in zip(
        np.ndindex(*kernel), window_slices(kernel, stride, dilation, grad.shape[2:]), strict=True
    ):
        padded[:, down, across] += _by_group(rows, parts[:, :, :, place[0], place[1]])
    return padded[:, top : top + height, left : left + width].transpose(0, 3, 1, 2)


@op
def conv2d_weight_grad(
    grad: Array, x: Array, shape: Shape, stride: Pair, padding: Sides, dilation: Pair, groups: int
) -> Array:
    """The weight's gradient, of this shape: (batch, out, h', w'), (batch, in, h, w) -> (out, in / groups, kh, kw)."""
    images = channels_last(x, padding)
    rows = contiguous(grad.transpose(0, 2, 3, 1))
    if _is_depthwise(shape, groups):
        return _depthwise_weight_grad(images, rows, shape, stride, dilation)
    out_channels, in_channels, *kernel = shape
    total = np.zeros_like(rows, shape=(groups, in_channels * kernel[0] * kernel[1], out_channels // groups))
    for block, patches in _patches(images, (kernel[0], kernel[1]), stride, dilation, groups, rows.shape[1:3]):
        part = rows[block].reshape(-1, groups, out_channels // groups)
        total += np.matmul(patches.transpose(0, 2, 1), part.transpose(1, 0, 2))
    by_place = total.reshape(groups, *kernel, in_channels, out_channels // groups)
    return contiguous(by_place.transpose(0, 4, 3, 1, 2).reshape(shape))


@conv2d.rule
def conv2d_rule(
    grad: Tensor,
    _out: None,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Pair,
    padding: Sides,
    dilation: Pair,
    groups: int,
) -> Gradients:
    window = (stride, padding, dilation, groups)
    return (
        conv2d_input_grad(grad, weight, x.shape, *window) if x.requires_grad else None,
        conv2d_weight_grad(grad, x, weight.shape, *window) if weight.requires_grad else None,
        grad.sum((0, 2, 3)) if bias is not None and bias.requires_grad else None,
    )


@conv2d_input_grad.rule
def input_grad_rule(
    grad: Tensor,
    _out: None,
    grad_out: Tensor,
    weight: Tensor,
    _shape: None,
    stride: Pair,
    padding: Sides,
    dilation: Pair,
    groups: int,
) -> Gradients:
    window = (stride, padding, dilation, groups)
    return conv2d(grad, weight, None, *window), conv2d_weight_grad(grad_out, grad, weight.shape, *window)


@conv2d_weight_grad.rule
def weight_grad_rule(
    grad: Tensor,
    _out: None,
    grad_out: Tensor,
    x: Tensor,
    _shape: None,
    stride: Pair,
    padding: Sides,
    dilation: Pair,
    groups: int,
) -> Gradients:
    window = (stride, padding, dilation, groups)
    return conv2d(x, grad, None, *window), conv2d_input_grad(grad_out, grad, x.shape, *window)


def _convolved(images: Array, weight: Array, stride: Pair, dilation: Pair, groups: int) -> Array:
    """Channels-last in (padded already), channels-last out."""
    out_channels, in_channels, *kernel = weight.shape
    height = output_size(images.shape[1], (0, 0), kernel[0], stride[0], dilation[0])
    width = output_size(images.shape[2], (0, 0), kernel[1], stride[1], dilation[1])
    if _is_depthwise(weight.shape, groups):
        return _depthwise(images, weight, stride, dilation, (height, width))
    out = np.empty_like(images, shape=(images.shape[0], height, width, out_channels))
    columns = weight.reshape(groups, -1, in_channels, *kernel).transpose(0, 3, 4, 2, 1)
    columns = columns.reshape(groups, -1, out_channels // groups)  # one column for each output channel
    for block, patches in _patches(images, (kernel[0], kernel[1]), stride, dilation, groups, (height, width)):
        if groups == 1:
            np.matmul(patches[0], columns[0], out=out[block].reshape(-1, out_channels))
        else:
            product = np.matmul(patches, columns)  # (groups, pixels, out / groups)
            out[block] = product.transpose(1, 0, 2).reshape(out[block].shape)
    return out


def _patches(
    images: Array, kernel: Pair, stride: Pair, dilation: Pair, groups: int, out: tuple[int, ...]
) -> Iterator[tuple[slice, Array]]:
    """Blocks of images, their windows as rows: (groups, pixels, kh * kw * in / groups), in one buffer used again."""
    batch, channels = images.shape[0], images.shape[3]
    width = kernel[0] * kernel[1] * channels
    pixels = out[0] * out[1]
    if kernel == (1, 1) and stride == (1, 1) and groups == 1:  # the pixels are the rows
        yield slice(None), images.reshape(1, -1, channels)
        return
    size = max(1, BLOCK_BYTES // max(1, pixels * width * images.itemsize))
    buffer = np.empty_like(images, shape=(min(size, batch), pixels * width))
    view = windows(images, kernel, stride, dilation)
    for start in range(0, batch, size):
        block = slice(start, start + size)
        part = view[block]
        rows = buffer[: len(part)].reshape(part.shape)
        np.copyto(rows, part)
        if groups == 1:
            yield block, rows.reshape(1, -1, width)
        else:
            split = rows.reshape(len(part) * pixels, kernel[0] * kernel[1], groups, channels // groups)
            yield block, split.transpose(2, 0, 1, 3).reshape(groups, len(part) * pixels, -1)


def _by_group(rows: Array, weight: Array) -> Array:
    """(batch, h, w, out) by (groups, out / groups, in / groups) -> (batch, h, w, in)."""
    groups, per_out, per_in = weight.shape
    if groups == 1:
        return np.matmul(rows, weight[0])
    split = rows.reshape(-1, groups, per_out).transpose(1, 0, 2)
    return np.matmul(split, weight).transpose(1, 0, 2).reshape(*rows.shape[:3], groups * per_in)


def _is_depthwise(shape: Shape, groups: int) -> bool:
    return groups > 1 and shape[1] == 1 and shape[0] == groups


def _depthwise(images: Array, weight: Array, stride: Pair, dilation: Pair, out: Pair) -> Array:
    """One window for each channel: a sum over the places in the window, no products of matrices."""
    kernel = weight.shape[2:]
    by_place = weight.reshape(weight.shape[0], -1).T
    (down, across), *others = window_slices(kernel, stride, dilation, out)
    total = images[:, down, across] * by_place[0]
    part = np.empty_like(total)
    for place, (down, across) in enumerate(others, start=1):
        np.multiply(images[:, down, across], by_place[place], out=part)
        total += part
    return total


def _depthwise_weight_grad(images: Array, rows: Array, shape: Shape, stride: Pair, dilation: Pair) -> Array:
    kernel = (shape[2], shape[3])
    out = np.empty_like(rows, shape=(kernel[0] * kernel[1], shape[0]))
    part = np.empty_like(rows)
    for place, (down, across) in enumerate(window_slices(kernel, stride, dilation, rows.shape[1:3])):
        np.multiply(images[:, down, across], rows, out=part)
        np.sum(part, axis=(0, 1, 2), out=out[place])
    return contiguous(out.T).reshape(shape)


def _output_sizes(shape: Shape, weight: Shape, stride: Pair, padding: Sides, dilation: Pair) -> Pair:
    down = output_size(shape[2], padding[0], weight[2], stride[0], dilation[0])
    return down, output_size(shape[3], padding[1], weight[3], stride[1], dilation[1])


def _turned_padding(kernel: tuple[int, ...], padding: Sides, dilation: Pair) -> Sides:
    full = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    (top, bottom), (left, right) = padding
    return (full[0] - top, full[0] - bottom), (full[1] - left, full[1] - right)


def _turned(weight: Array, groups: int) -> Array:
    """The weight upside down and back to front, with inputs and outputs exchanged within each group."""
    out_channels, in_channels, *kernel = weight.shape
    grouped = weight.reshape(groups, out_channels // groups, in_channels, *kernel)[..., ::-1, ::-1]
    return grouped.swapaxes(1, 2).reshape(groups * in_channels, out_channels // groups, *kernel)
