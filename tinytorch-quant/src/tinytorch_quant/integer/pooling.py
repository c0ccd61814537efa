"""Pooling of int8 codes: input and output share scale and zero point, so codes are taken as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.spatial.geometry import channels_last, output_size, window_slices
from tinytorch.core.tensor import op
from tinytorch_quant.integer.checks import images_only

if TYPE_CHECKING:
    from tinytorch.core.spatial.geometry import Pair, Sides
    from tinytorch.types import Array


def _fitting(name: str, x: Any, kernel: Any, stride: Any, padding: Any, low: int, high: int) -> tuple[Any, ...]:
    images_only(name, x)
    if min(_out_sizes(x.shape, kernel, stride, padding)) < 1:
        raise ValueError(f"{name}: a window of {kernel} does not fit into input {x.shape} with padding {padding}")
    if any(max(pads) >= size for pads, size in zip(padding, kernel, strict=True)):
        raise ValueError(f"{name}: expected padding narrower than the window {kernel}, got {padding}")
    return x, kernel, stride, padding, low, high


@op(prepare=_fitting)
def int8_avg_pool2d(x: Array, kernel: Pair, stride: Pair, padding: Sides, low: int, high: int) -> Array:
    """The mean of each window, halves away from zero, limited to low .. high: (batch, channels, h, w) -> the same.

    Padding, narrower than the window, does not count: the sum is divided by how many codes of the image there are.
    """
    sums = _windows_summed(channels_last(x, padding).astype(np.int32), kernel, stride)
    count = window_counts(x.shape[2:], kernel, stride, padding)[:, :, None]
    means = np.sign(sums) * ((np.abs(sums) + count // 2) // count)
    return np.clip(means, low, high).astype(np.int8).transpose(0, 3, 1, 2)


@op(prepare=_fitting)
def int8_max_pool2d(x: Array, kernel: Pair, stride: Pair, padding: Sides, low: int, high: int) -> Array:
    """The largest code of each window, limited to low .. high: (batch, channels, h, w) -> (batch, channels, h', w')."""
    images = channels_last(x, padding, -128)
    (down, across), *others = window_slices(kernel, stride, (1, 1), _out_sizes(x.shape, kernel, stride, padding))
    largest = images[:, down, across].copy()
    for down, across in others:
        np.maximum(largest, images[:, down, across], out=largest)
    return np.clip(largest, low, high, out=largest).transpose(0, 3, 1, 2)


def window_counts(size: tuple[int, ...], kernel: Pair, stride: Pair, padding: Sides) -> Array:
    """How many places of an image of this size each window has: (h', w') int32."""
    down, across = (_counts(size[dim], kernel[dim], stride[dim], padding[dim]) for dim in (0, 1))
    return down[:, None] * across


def _windows_summed(images: Array, kernel: Pair, stride: Pair) -> Array:
    out = _out_sizes((0, 0, *images.shape[1:3]), kernel, stride, ((0, 0), (0, 0)))
    if kernel == images.shape[1:3]:
        return images.sum(axis=(1, 2), keepdims=True, dtype=np.int32)
    total = np.zeros_like(images, shape=(len(images), *out, images.shape[3]))
    for down, across in window_slices(kernel, stride, (1, 1), out):
        total += images[:, down, across]
    return total


def _counts(size: int, kernel: int, stride: int, pads: Pair) -> Array:
    starts = np.arange(output_size(size, pads, kernel, stride), dtype=np.int32) * stride - pads[0]
    return np.minimum(starts + kernel, size) - np.maximum(starts, 0)


def _out_sizes(shape: tuple[int, ...], kernel: Pair, stride: Pair, padding: Sides) -> Pair:
    down, across = (output_size(shape[2 + dim], padding[dim], kernel[dim], stride[dim]) for dim in (0, 1))
    return down, across
