"""The rows of the chapters on sequences: embeddings and attention."""

from __future__ import annotations

import numpy as np

from tinytorch.testing import draw
from tinytorch.testing.case import NEAR, Arguments, OpCase
from tinytorch.types import Array, DType, Shape

Generator = np.random.Generator


def _rotary(rng: Generator, dtype: DType) -> Arguments:
    shape = (*draw.few(rng, high=2), draw.extent(rng, 1, 5), 2 * draw.extent(rng, 1, 4))
    few = (*[1 if rng.random() < 0.3 else n for n in shape[:-1]], shape[-1] // 2)
    angles = rng.uniform(-3.0, 3.0, few)
    cos, sin = (np.asarray(function(angles)).astype(dtype) for function in (np.cos, np.sin))
    return draw.normal(rng, shape, dtype), cos, sin, bool(rng.integers(0, 2))


def _attention(rng: Generator, dtype: DType) -> Arguments:
    batch, key_heads, groups = (int(n) for n in rng.integers(1, 4, 3))
    time, keys = (draw.extent(rng, 1, 4, 0.5) for _ in range(2))
    width, out = (draw.extent(rng, 1, 4, 0.2) for _ in range(2))
    q = draw.normal(rng, (batch, key_heads * groups, time, width), dtype)
    k = draw.normal(rng, (batch, key_heads, keys, width), dtype)
    v = draw.normal(rng, (batch, key_heads, keys, out), dtype)
    mask = _mask(rng, (batch, key_heads * groups, time, keys), dtype)
    return q, k, v, mask, bool(rng.random() < 0.3), float(rng.uniform(0.3, 1.5))


def _mask(rng: Generator, shape: Shape, dtype: DType) -> Array | None:
    """None, who takes part, or numbers to be added; often the same for all of a dimension."""
    few = tuple(1 if rng.random() < 0.3 else n for n in shape)
    kind = rng.integers(0, 3)
    return None if kind == 0 else draw.booleans(rng, few) if kind == 1 else draw.normal(rng, few, dtype)


def _attention_grad(rng: Generator, dtype: DType) -> Arguments:
    q, k, v, mask, causal, scale = _attention(rng, dtype)
    scores = _masked(np.einsum("bkgtw,bksw->bkgts", _by_key_head(q, k), k) * scale, mask, k, causal)
    largest = np.where(np.isfinite(scores.max(-1, keepdims=True)), scores.max(-1, keepdims=True), 0.0)
    total = np.exp(scores - largest).sum(-1, keepdims=True)
    log_sums = np.where(total == 0, 0.0, np.log(np.where(total == 0, 1.0, total)) + largest)
    out = np.einsum("bkgts,bkso->bkgto", np.exp(scores - log_sums), v).reshape(*q.shape[:3], -1).astype(dtype)
    sums = log_sums.reshape(*q.shape[:3], 1).astype(dtype)
    return draw.normal(rng, out.shape, dtype), q, k, v, mask, out, sums, causal, scale


def _by_key_head(array: Array, k: Array) -> Array:
    return array.reshape(array.shape[0], k.shape[1], -1, *array.shape[2:])


def _masked(scores: Array, mask: Array | None, k: Array, causal: bool) -> Array:
    batch, key_heads, groups, time, keys = scores.shape
    if mask is not None:
        added = np.where(mask, 0.0, -np.inf) if mask.dtype.kind == "b" else mask
        full = np.broadcast_to(added, (batch, key_heads * groups, time, keys))
        scores = scores + _by_key_head(full, k)
    return np.where(np.arange(keys) > np.arange(time)[:, None], -np.inf, scores) if causal else scores


def _rms_norm(rng: Generator, dtype: DType) -> Arguments:
    x = draw.normal(rng, (*draw.few(rng, high=2), draw.extent(rng, 1, 5), draw.extent(rng, 1, 5)), dtype)
    ndim = int(rng.integers(1, 3))
    weight = draw.normal(rng, x.shape[x.ndim - ndim :], dtype) if rng.random() < 0.7 else None
    return x, weight, ndim, 0.1  # a large eps keeps second derivatives tame


def _rms_norm_grad(rng: Generator, dtype: DType) -> Arguments:
    x, weight, ndim, eps = _rms_norm(rng, dtype)
    rrms = 1.0 / np.sqrt((x * x).mean(axis=tuple(range(x.ndim - ndim, x.ndim)), keepdims=True) + eps)
    return draw.normal(rng, x.shape, dtype), x, weight, rrms.astype(dtype), ndim


SEQUENCES = (
    OpCase("rotary", _rotary, NEAR, constants=("cos", "sin")),
    OpCase("attention", _attention, NEAR),
    OpCase("attention_grad", _attention_grad, NEAR, order=0),
    OpCase("rms_norm", _rms_norm, NEAR),
    OpCase("rms_norm_grad", _rms_norm_grad, NEAR, order=0),
)
