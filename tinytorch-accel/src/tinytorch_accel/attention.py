"""Attention: which inputs its kernels take."""

from __future__ import annotations

from tinytorch.plugins import answered_by, hookimpl
from tinytorch.types import Array
from tinytorch_accel.compiled import NEAR, kernels


@hookimpl
@NEAR
@answered_by(kernels.attention)
def attention(
    q: Array, k: Array, v: Array, mask: Array | None, causal: bool, scale: float
) -> tuple[Array, Array] | None:
    """Tile by tile; the scores never leave the cache."""


@hookimpl
@NEAR
@answered_by(kernels.attention_grad)
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
