"""Normalization: activations brought to mean 0 and variance 1, then scaled and shifted as learned.

Batch norm (Ioffe & Szegedy 2015) does so for each channel over the batch, layer norm (Ba et al. 2016) for each sample
over its features, group norm (Wu & He 2018) for each sample over groups of channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.tensor import Tensor, op
from tinytorch.core.tensor.arithmetic import add, divide, multiply, subtract
from tinytorch.core.tensor.axes import shape_of
from tinytorch.core.tensor.elementwise import sqrt
from tinytorch.core.tensor.inplace import note_write
from tinytorch.core.tensor.numbers import whole
from tinytorch.core.tensor.promotion import floats_only, tensors_only

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinytorch.types import Array


def _check_fit(name: str, x: Tensor, shape: tuple[int, ...], **parts: Any) -> None:
    """Raise where a weight, bias or average is no tensor of this shape and x's dtype."""
    for what, part in parts.items():
        if part is None:
            continue
        tensors_only(name, part)
        if part.array.shape != shape:
            raise ValueError(f"{name}: expected a {what} of shape {shape}, got {part.shape}")
        if part.array.dtype != x.array.dtype:
            raise TypeError(f"{name}: input is {x.dtype}, {what} {part.dtype}; convert one with .to(dtype)")


def _of_one_shape(name: str, x: Any, weight: Any, bias: Any, ndim: int, eps: float) -> tuple[Any, ...]:
    floats_only(name, x)
    _check_fit(name, x, x.array.shape[x.ndim - ndim :], weight=weight, bias=bias)
    return x, weight, bias, ndim, eps


@op(prepare=_of_one_shape)
def layer_norm(x: Array, weight: Array | None, bias: Array | None, ndim: int, eps: float) -> tuple[Array, Array, Array]:
    """Normalize over the last `ndim` dimensions -> (out, mean, rstd); weight and bias have their shape."""
    out, mean, rstd = _normalized(x, tuple(range(x.ndim - ndim, x.ndim)), eps)
    return _scaled(out, weight, bias), mean, rstd


@op
def layer_norm_grad(grad: Array, x: Array, weight: Array | None, mean: Array, rstd: Array, ndim: int) -> Array:
    """The gradient of x; mean and rstd are layer_norm's second and third output."""
    return _normalized_grad(
        grad if weight is None else grad * weight, x, mean, rstd, tuple(range(x.ndim - ndim, x.ndim))
    )


@op
def batch_norm(x: Array, weight: Array | None, bias: Array | None, eps: float) -> tuple[Array, Array, Array]:
    """Normalize each channel over batch and space -> (out, mean, rstd): (batch, channels, ...)."""
    out, mean, rstd = _normalized(x, (0, *range(2, x.ndim)), eps)
    return _scaled(out, _per_channel(weight, x.ndim), _per_channel(bias, x.ndim)), mean, rstd


@op
def batch_norm_grad(grad: Array, x: Array, weight: Array | None, mean: Array, rstd: Array) -> Array:
    """The gradient of x; mean and rstd are batch_norm's second and third output."""
    scaled = grad if weight is None else grad * _per_channel(weight, x.ndim)
    return _normalized_grad(scaled, x, mean, rstd, (0, *range(2, x.ndim)))


def _normalized(x: Array, dims: tuple[int, ...], eps: float) -> tuple[Array, Array, Array]:
    """(x - mean) * rstd, the mean, and rstd = 1 / sqrt(variance + eps), both with kept dimensions."""
    mean = _mean(x, dims)
    out = x - mean
    rstd = 1.0 / np.sqrt(_mean_of_products(out, out, dims) + x.dtype.type(eps))
    out *= rstd
    return out, mean, rstd


def _normalized_grad(grad: Array, x: Array, mean: Array, rstd: Array, dims: tuple[int, ...]) -> Array:
    """rstd * (grad - mean(grad) - normalized * mean(grad * normalized))."""
    normalized = x - mean
    normalized *= rstd
    normalized *= _mean_of_products(grad, normalized, dims)
    normalized += _mean(grad, dims)
    np.subtract(grad, normalized, out=normalized)
    normalized *= rstd
    return normalized


def _mean(x: Array, dims: tuple[int, ...]) -> Array:
    """The mean along `dims`, which stay; of rows by BLAS, several times faster."""
    size = x.shape[-1]
    if dims == (x.ndim - 1,) and size:
        return (x @ np.ones_like(x, shape=size))[..., None] / x.dtype.type(size)
    return x.mean(axis=dims, keepdims=True)


def _mean_of_products(a: Array, b: Array, dims: tuple[int, ...]) -> Array:
    """The mean of a * b along `dims`, which stay."""
    size = a.shape[-1]
    if dims == (a.ndim - 1,) and size:
        return np.vecdot(a, b)[..., None] / a.dtype.type(size)
    return np.mean(a * b, axis=dims, keepdims=True)


def _scaled(out: Array, weight: Array | None, bias: Array | None) -> Array:
    if weight is not None:
        out *= weight
    if bias is not None:
        out += bias
    return out


def _per_channel(vector: Array | None, ndim: int) -> Any:
    """(channels,) -> (channels, 1, ...), to go with (batch, channels, ...)."""
    return None if vector is None else vector.reshape(-1, *[1] * (ndim - 2))


def layer_normalized(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalize over the last dimensions, which must be `normalized_shape`."""
    floats_only("layer_norm", input)
    shape = shape_of("layer_norm", (normalized_shape,))
    if not shape or input.shape[-len(shape) :] != shape:
        raise ValueError(f"layer_norm: input {input.shape} does not end in {shape}")
    return layer_norm(input, weight, bias, len(shape), eps)[0]


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Normalize each sample over groups of channels: (batch, channels, ...)."""
    floats_only("group_norm", input)
    if input.ndim < 2 or input.shape[1] % whole("group_norm", "num_groups", num_groups, least=1):
        raise ValueError(f"group_norm: channels of input {input.shape} cannot be divided into {num_groups} groups")
    _check_fit("group_norm", input, input.shape[1:2], weight=weight, bias=bias)
    groups = input.reshape(input.shape[0], num_groups, -1)
    out = layer_norm(groups, None, None, 1, eps)[0].reshape(input.shape)
    channels = (-1, *[1] * (input.ndim - 2))
    out = out if weight is None else multiply(out, weight.reshape(channels))
    return out if bias is None else add(out, bias.reshape(channels))


def batch_normalized(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalize each channel: by the batch in training, which also moves the running averages; else by those."""
    floats_only("batch_norm", input)
    if input.ndim < 2:
        raise ValueError(f"batch_norm: expected (batch, channels, ...), got shape {input.shape}")
    _check_fit(
        "batch_norm",
        input,
        input.shape[1:2],
        weight=weight,
        bias=bias,
        running_mean=running_mean,
        running_var=running_var,
    )
    if (running_mean is None) != (running_var is None) or (running_mean is None and not training):
        raise ValueError("batch_norm: expected running_mean and running_var, or training=True and neither")
    if not training and running_mean is not None and running_var is not None:
        channels = (-1, *[1] * (input.ndim - 2))
        scale = divide(1.0 if weight is None else weight, sqrt(add(running_var, eps)))
        shift = multiply(scale, running_mean)
        shift = multiply(shift, -1.0) if bias is None else subtract(bias, shift)
        return add(multiply(input, scale.reshape(channels)), shift.reshape(channels))
    count = input.array.size // max(input.shape[1], 1)
    if count < 2:
        raise ValueError(
            f"batch_norm: expected more than one value for each channel in training, got input {input.shape}"
        )
    out, mean, rstd = batch_norm(input, weight, bias, eps)
    if running_mean is not None and running_var is not None:
        variance = np.maximum(1.0 / np.square(rstd.array.astype(np.float64)) - eps, 0.0) * (count / (count - 1))
        _move(running_mean, mean.array, momentum)
        _move(running_var, variance, momentum)
    return out


def _move(average: Tensor, value: Array, momentum: float) -> None:
    average.array *= 1.0 - momentum
    average.array += momentum * value.reshape(-1)
    note_write(average.array)
