"""Normalization: activations brought to mean 0 and variance 1, then scaled and shifted as learned.

Batch norm (Ioffe & Szegedy 2015) does so for each channel over the batch, layer norm (Ba et al. 2016) for each sample
over its features, group norm (Wu & He 2018) for each sample over groups of channels.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.tensor import Tensor, op
from tinytorch.core.tensor.arithmetic import add, multiply
from tinytorch.core.tensor.axes import shape_of
from tinytorch.core.tensor.inplace import note_write
from tinytorch.core.tensor.numbers import real, whole
from tinytorch.core.tensor.promotion import floats_only, tensors_only
from tinytorch.core.tensor.quiet import quiet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinytorch.types import Array


def check_fit(name: str, x: Tensor, shape: tuple[int, ...], **parts: Any) -> None:
    """Raise where a weight, bias or average is no tensor of this shape and x's dtype."""
    dtype = x.array.dtype
    for what, part in parts.items():
        if part is None:
            continue
        if not isinstance(part, Tensor):
            tensors_only(name, part)
        if part.array.shape != shape:
            raise ValueError(f"{name}: expected a {what} of shape {shape}, got {part.shape}")
        if part.array.dtype != dtype:
            raise TypeError(f"{name}: input is {x.dtype}, {what} {part.dtype}; convert one with .to(dtype)")


def _of_one_shape(name: str, x: Any, weight: Any, bias: Any, ndim: int, eps: float) -> tuple[Any, ...]:
    floats_only(name, x)
    check_fit(name, x, x.array.shape[x.ndim - ndim :], weight=weight, bias=bias)
    return x, weight, bias, ndim, eps


@op(prepare=_of_one_shape)
def layer_norm(x: Array, weight: Array | None, bias: Array | None, ndim: int, eps: float) -> tuple[Array, Array, Array]:
    """Normalize over the last `ndim` dimensions -> (out, mean, rstd); weight and bias have their shape."""
    return quiet().run(_layer_norm, x, weight, bias, ndim, eps)


def _layer_norm(
    x: Array, weight: Array | None, bias: Array | None, ndim: int, eps: float
) -> tuple[Array, Array, Array]:
    rows = in_rows(x, ndim)
    if len(rows) == 1:
        return _layer_norm_of_one(rows[0], x, weight, bias, ndim, eps)
    mean = row_means(rows, np.ones_like(rows, shape=rows.shape[1]))
    out = rows - mean
    rstd = 1.0 / np.sqrt(mean_squares(out) + rows.dtype.type(eps))
    out *= rstd
    return _scaled(like(out, x), weight, bias), for_each_row(mean, x, ndim), for_each_row(rstd, x, ndim)


def _layer_norm_of_one(
    row: Array, x: Array, weight: Array | None, bias: Array | None, ndim: int, eps: float
) -> tuple[Array, Array, Array]:
    """The same for a single row, as text that is written token by token has them: mean and deviation are numbers."""
    size = row.size or 1
    mean = float(np.add.reduce(row)) / size
    out = row - mean
    deviation = math.sqrt(float(out.dot(out)) / size + eps)
    rstd = 1.0 / deviation if deviation else math.inf
    out *= rstd
    flat = [None if each is None else each.reshape(-1) for each in (weight, bias)]
    out = _scaled(out.astype(x.dtype, copy=False), *flat)
    saved = np.array((mean, rstd), row.dtype).reshape(2, *x.shape[: x.ndim - ndim], *(1,) * ndim)
    return out.reshape(x.shape), saved[0], saved[1]


@op
def layer_norm_grad(
    grad: Array, x: Array, weight: Array | None, mean: Array, rstd: Array, ndim: int
) -> tuple[Array, Array, Array]:
    """The gradients of x, weight and bias; mean and rstd are layer_norm's second and third output."""
    return quiet().run(_layer_norm_grad, grad, x, weight, mean, rstd, ndim)


def _layer_norm_grad(
    grad: Array, x: Array, weight: Array | None, mean: Array, rstd: Array, ndim: int
) -> tuple[Array, Array, Array]:
    """Of x: rstd * (g - mean(g) - normalized * mean(g * normalized)), g = grad * weight."""
    arrived, scale = in_rows(grad, ndim), in_rows(rstd, ndim)
    factors = np.ones_like(arrived, shape=arrived.shape[1]) if weight is None else in_rows(weight, ndim)[0]
    normalized = in_rows(x, ndim) - in_rows(mean, ndim)
    normalized *= scale
    products = arrived * normalized
    every_row = np.ones_like(arrived, shape=len(arrived))
    by_weight, by_bias = every_row @ products, every_row @ arrived
    normalized *= row_means(products, factors)
    normalized += row_means(arrived, factors)
    by_x = np.multiply(arrived, factors, out=products)
    by_x -= normalized
    by_x *= scale
    shape = x.shape[x.ndim - ndim :]
    return like(by_x, x), by_weight.astype(x.dtype).reshape(shape), by_bias.astype(x.dtype).reshape(shape)


@op
def batch_norm(x: Array, weight: Array | None, bias: Array | None, eps: float) -> tuple[Array, Array, Array]:
    """Normalize each channel over batch and space -> (out, mean, rstd): (batch, channels, ...)."""
    return quiet().run(_batch_norm, x, weight, bias, eps)


def _batch_norm(x: Array, weight: Array | None, bias: Array | None, eps: float) -> tuple[Array, Array, Array]:
    dims, wide = (0, *range(2, x.ndim)), _wide(x)
    mean = wide.mean(axis=dims, keepdims=True)
    out = wide - mean
    rstd = 1.0 / np.sqrt(np.mean(out * out, axis=dims, keepdims=True) + out.dtype.type(eps))
    out *= rstd
    out = _scaled(out, _per_channel(weight, x.ndim), _per_channel(bias, x.ndim))
    return out.astype(x.dtype, copy=False), mean, rstd


@op
def batch_norm_grad(
    grad: Array, x: Array, weight: Array | None, mean: Array, rstd: Array
) -> tuple[Array, Array, Array]:
    """The gradients of x, weight and bias; mean and rstd are batch_norm's second and third output."""
    return quiet().run(_batch_norm_grad, grad, x, weight, mean, rstd)


def _batch_norm_grad(
    grad: Array, x: Array, weight: Array | None, mean: Array, rstd: Array
) -> tuple[Array, Array, Array]:
    """Of x: weight * rstd * (grad - mean(grad) - normalized * mean(grad * normalized))."""
    dims, count = (0, *range(2, x.ndim)), x.size // max(x.shape[1], 1) or 1
    normalized, arrived = _wide(x) - mean, _wide(grad)
    normalized *= rstd
    by_weight = np.sum(arrived * normalized, axis=dims, keepdims=True)
    by_bias = np.sum(arrived, axis=dims, keepdims=True)
    normalized *= by_weight / count
    normalized += by_bias / count
    by_x = np.subtract(arrived, normalized, out=normalized)
    by_x *= rstd if weight is None else rstd * _per_channel(weight, x.ndim)
    by_x, by_weight, by_bias = (each.astype(x.dtype, copy=False) for each in (by_x, by_weight, by_bias))
    return by_x, by_weight.reshape(-1), by_bias.reshape(-1)


@op
def batch_norm_inference(
    x: Array, mean: Array, variance: Array, weight: Array | None, bias: Array | None, eps: float
) -> Array:
    """Normalize each channel by these averages, one number a channel: (batch, channels, ...)."""
    return quiet().run(_batch_norm_inference, x, mean, variance, weight, bias, eps)


def _batch_norm_inference(
    x: Array, mean: Array, variance: Array, weight: Array | None, bias: Array | None, eps: float
) -> Array:
    """One product and one sum for each element: x * scale + (bias - scale * mean)."""
    mean, variance = _wide(mean), _wide(variance)
    scale = (1.0 if weight is None else weight) / np.sqrt(variance + variance.dtype.type(eps))
    shift = (0.0 if bias is None else bias) - scale * mean
    return _scaled(_wide(x) * _per_channel(scale, x.ndim), None, _per_channel(shift, x.ndim)).astype(
        x.dtype, copy=False
    )


def in_rows(x: Array, ndim: int) -> Array:
    """What is normalized together as a row, at least in float32: (rows, n)."""
    if ndim == 1 and x.size:
        return _wide(x) if x.ndim == 2 else _wide(x).reshape(-1, x.shape[-1])
    kept = x.ndim - ndim
    return _wide(x).reshape(math.prod(x.shape[:kept]), math.prod(x.shape[kept:]))


def _wide(x: Array) -> Array:
    """Halves in float32, where sums of their squares neither overflow nor vanish."""
    return x.astype(np.float32) if x.itemsize == 2 else x


def row_means(rows: Array, factors: Array) -> Array:
    """The mean of each row times factors, by BLAS: (rows, n), (n,) -> (rows, 1)."""
    return (rows @ factors)[:, None] / rows.dtype.type(rows.shape[1] or 1)


def mean_squares(rows: Array) -> Array:
    """The mean of each row's squares: (rows, n) -> (rows, 1)."""
    return np.vecdot(rows, rows)[:, None] / rows.dtype.type(rows.shape[1] or 1)


def like(rows: Array, x: Array) -> Array:
    """Rows as the array that they were made of."""
    return rows.reshape(x.shape) if rows.dtype == x.dtype else rows.reshape(x.shape).astype(x.dtype)


def for_each_row(values: Array, x: Array, ndim: int) -> Array:
    """(rows, 1) -> x's shape with 1 for the dimensions that are normalized."""
    return values.reshape(*x.shape[: x.ndim - ndim], *[1] * ndim)


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
    shape = normalized_shape
    if type(shape) is not tuple or not shape or input.array.shape[-len(shape) :] != shape:
        shape = shape_of("layer_norm", (normalized_shape,))
        if not shape or input.shape[-len(shape) :] != shape:
            raise ValueError(f"layer_norm: input {input.shape} does not end in {shape}")
    return layer_norm(input, weight, bias, len(shape), real("layer_norm", "eps", eps))[0]


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Normalize each sample over groups of channels: (batch, channels, ...)."""
    floats_only("group_norm", input)
    if input.ndim < 2 or input.shape[1] % whole("group_norm", "num_groups", num_groups, least=1):
        raise ValueError(f"group_norm: channels of input {input.shape} cannot be divided into {num_groups} groups")
    check_fit("group_norm", input, input.shape[1:2], weight=weight, bias=bias)
    groups = input.reshape(input.shape[0], num_groups, -1)
    out = layer_norm(groups, None, None, 1, real("group_norm", "eps", eps))[0].reshape(input.shape)
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
    eps, momentum = real("batch_norm", "eps", eps), real("batch_norm", "momentum", momentum)
    if input.ndim < 2:
        raise ValueError(f"batch_norm: expected (batch, channels, ...), got shape {input.shape}")
    check_fit(
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
        return batch_norm_inference(input, running_mean, running_var, weight, bias, eps)
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
