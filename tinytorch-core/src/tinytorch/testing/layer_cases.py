"""The rows of the chapters activations, layers and losses.

Where a backward kernel takes what the forward saved (mean, rstd, log_sums, Phi), its own derivative is that of the
forward with the saved numbers following its inputs: such rows have order 0 and are differentiated as part of the
forward's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinytorch.core.activations.functions import gelu
from tinytorch.testing import draw
from tinytorch.testing.case import EXACT, NEAR, Arguments, OpCase
from tinytorch.types import Array, DType

Generator = np.random.Generator


def _gradient_of(drawn: Any) -> Any:
    """A sampler of a gradient and what it is the gradient of."""

    def sample(rng: Generator, dtype: DType) -> Arguments:
        shape = draw.shape(rng)
        return draw.normal(rng, shape, dtype), drawn(rng, shape, dtype)

    return sample


def _one(drawn: Any) -> Any:
    return lambda rng, dtype: (drawn(rng, draw.shape(rng), dtype),)


def _gelu(rng: Generator, dtype: DType) -> Arguments:
    return draw.normal(rng, draw.shape(rng), dtype), draw.choice(rng, ("none", "tanh"))


def _gelu_grad(rng: Generator, dtype: DType) -> Arguments:
    x, form = _gelu(rng, dtype)
    return draw.normal(rng, x.shape, dtype), x, gelu.kernel(x, form)[1], form


def _softplus(rng: Generator, dtype: DType) -> Arguments:
    return draw.normal(rng, draw.shape(rng), dtype), float(rng.uniform(0.5, 2.0)), 20.0


def _along(rng: Generator, dtype: DType) -> Arguments:
    shape = draw.shape(rng, low=1)
    axis = int(rng.integers(0, len(shape)))
    shape = (*shape[:axis], draw.extent(rng, 1, 5), *shape[axis + 1 :])
    return draw.normal(rng, shape, dtype, scale=2.0), axis


def _softmax_grad(rng: Generator, dtype: DType) -> Arguments:
    x, axis = _along(rng, dtype)
    return draw.normal(rng, x.shape, dtype), draw.uniform(rng, x.shape, dtype, 0.0, 1.0), axis


def _log_softmax_grad(rng: Generator, dtype: DType) -> Arguments:
    x, axis = _along(rng, dtype)
    return draw.normal(rng, x.shape, dtype), draw.uniform(rng, x.shape, dtype, -3.0, 0.0), axis


def _linear(rng: Generator, dtype: DType) -> Arguments:
    inputs, outputs = draw.extent(rng, 1, 5), draw.extent(rng, 1, 5)
    x = draw.normal(rng, (*draw.few(rng, high=3), inputs), dtype)
    return x, draw.normal(rng, (outputs, inputs), dtype), _or_none(rng, draw.normal(rng, (outputs,), dtype))


def _linear_weight_grad(rng: Generator, dtype: DType) -> Arguments:
    x, weight, _ = _linear(rng, dtype)
    return draw.normal(rng, (*x.shape[:-1], weight.shape[0]), dtype), x


def _or_none(rng: Generator, array: Array) -> Array | None:
    return array if rng.random() < 0.7 else None


def _lookup(rng: Generator, dtype: DType) -> Arguments:
    rows, width = draw.extent(rng, 1, 5), draw.extent(rng, 1, 5)
    return draw.normal(rng, (rows, width), dtype), draw.integers(rng, draw.few(rng, high=3), 0, rows)


def _lookup_grad(rng: Generator, dtype: DType) -> Arguments:
    weight, indices = _lookup(rng, dtype)
    return draw.normal(rng, (*indices.shape, weight.shape[1]), dtype), indices, weight.shape


def _drop(rng: Generator, dtype: DType) -> Arguments:
    shape = draw.shape(rng)
    return draw.normal(rng, shape, dtype), draw.booleans(rng, shape), float(rng.uniform(1.0, 3.0))


def _layer_norm(rng: Generator, dtype: DType) -> Arguments:
    x = draw.normal(rng, (*draw.few(rng, high=2), draw.extent(rng, 2, 5), draw.extent(rng, 2, 5)), dtype)
    ndim = int(rng.integers(1, 3))
    shape = x.shape[x.ndim - ndim :]
    weight, bias = (_or_none(rng, draw.normal(rng, shape, dtype)) for _ in range(2))
    return x, weight, bias, ndim, 0.1  # a large eps keeps second derivatives tame


def _layer_norm_grad(rng: Generator, dtype: DType) -> Arguments:
    x, weight, _, ndim, eps = _layer_norm(rng, dtype)
    mean, rstd = _mean_and_rstd(x, tuple(range(x.ndim - ndim, x.ndim)), eps)
    return draw.normal(rng, x.shape, dtype), x, weight, mean, rstd, ndim


def _batch_norm(rng: Generator, dtype: DType) -> Arguments:
    shape = draw.extent(rng, 2, 5), draw.extent(rng, 2, 5), *draw.few(rng, high=2, smallest=1)
    x = draw.normal(rng, shape, dtype)
    weight, bias = (_or_none(rng, draw.normal(rng, x.shape[1:2], dtype)) for _ in range(2))
    return x, weight, bias, 0.1


def _batch_norm_grad(rng: Generator, dtype: DType) -> Arguments:
    x, weight, _, eps = _batch_norm(rng, dtype)
    mean, rstd = _mean_and_rstd(x, (0, *range(2, x.ndim)), eps)
    return draw.normal(rng, x.shape, dtype), x, weight, mean, rstd


def _batch_norm_inference(rng: Generator, dtype: DType) -> Arguments:
    x, weight, bias, eps = _batch_norm(rng, dtype)
    channels = x.shape[1:2]
    return x, draw.normal(rng, channels, dtype), draw.uniform(rng, channels, dtype, 0.1, 2.0), weight, bias, eps


def _mean_and_rstd(x: Array, dims: tuple[int, ...], eps: float) -> tuple[Array, Array]:
    rstd = 1.0 / np.sqrt(x.var(axis=dims, keepdims=True) + eps)
    return x.mean(axis=dims, keepdims=True), rstd.astype(x.dtype)


def _cross_entropy(rng: Generator, dtype: DType) -> Arguments:
    rows, classes = draw.extent(rng, 1, 6), draw.extent(rng, 1, 6)
    return draw.normal(rng, (rows, classes), dtype, scale=2.0), draw.integers(rng, (rows,), 0, classes)


def _cross_entropy_grad(rng: Generator, dtype: DType) -> Arguments:
    scores, target = _cross_entropy(rng, dtype)
    log_sums = np.log(np.exp(scores).sum(axis=1))
    return draw.normal(rng, target.shape, dtype), scores, target, log_sums


def _binary_cross_entropy(rng: Generator, dtype: DType) -> Arguments:
    shape = draw.shape(rng)
    return draw.uniform(rng, shape, dtype, 0.1, 0.9), draw.uniform(rng, shape, dtype, 0.0, 1.0)


ACTIVATIONS = (
    OpCase("erf", _one(draw.normal), NEAR),
    OpCase("relu", _one(draw.apart), EXACT),
    OpCase("relu_grad", _gradient_of(draw.apart), EXACT, constants=("out",)),
    OpCase("silu", _one(draw.normal), NEAR),
    OpCase("silu_grad", _gradient_of(draw.normal), NEAR),
    OpCase("gelu", _gelu, NEAR),
    OpCase("gelu_grad", _gelu_grad, NEAR, order=0),
    OpCase("softplus", _softplus, NEAR),
    OpCase("softmax", _along, NEAR),
    OpCase("softmax_grad", _softmax_grad, NEAR),
    OpCase("log_softmax", _along, NEAR),
    OpCase("log_softmax_grad", _log_softmax_grad, NEAR),
)

LAYERS = (
    OpCase("linear", _linear, NEAR),
    OpCase("linear_weight_grad", _linear_weight_grad, NEAR),
    OpCase("embedding", _lookup, EXACT),
    OpCase("embedding_grad", _lookup_grad, NEAR),
    OpCase("dropout", _drop, EXACT),
    OpCase("layer_norm", _layer_norm, NEAR),
    OpCase("layer_norm_grad", _layer_norm_grad, NEAR, order=0),
    OpCase("batch_norm", _batch_norm, NEAR),
    OpCase("batch_norm_grad", _batch_norm_grad, NEAR, order=0),
    OpCase("batch_norm_inference", _batch_norm_inference, NEAR),
)

LOSSES = (
    OpCase("cross_entropy", _cross_entropy, NEAR),
    OpCase("cross_entropy_grad", _cross_entropy_grad, NEAR, order=0),
    OpCase("binary_cross_entropy_each", _binary_cross_entropy, NEAR),
)
