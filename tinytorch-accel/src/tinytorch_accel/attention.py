"""Attention: which inputs its kernels take."""

from __future__ import annotations

from tinytorch.plugins import hookimpl
from tinytorch.types import Array
from tinytorch_accel.compiled import NEAR, kernels
from tinytorch_accel.thresholds import LEAST


@hookimpl
@NEAR
def attention(
    q: Array, k: Array, v: Array, mask: Array | None, causal: bool, scale: float
) -> tuple[Array, Array] | None:
    """Tile by tile; the scores never leave the cache."""
    return kernels.attention(q, k, v, mask, causal, scale) if q.size >= LEAST["attention"] else None


@hookimpl
@NEAR
def attention_grad(
    grad: Array,
    q: Array,
    k: Array,
    v: Array,
    mask: Array | None,
    out: Array,
    log_sums: Array,
    causal: bool,
    scale: float,
) -> tuple[Array, Array, Array] | None:
    """Scores made anew of log_sums, tile by tile."""
    if q.size < LEAST["attention_grad"]:
        return None
    return kernels.attention_grad(grad, q, k, v, mask, out, log_sums, causal, scale)
