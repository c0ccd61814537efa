"""Attention as people call it, and its derivative.

The op answers what is asked most; dropout of weights, a mask that learns and second derivatives take the same formula
written out with ops.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.activations import softmax
from tinytorch.core.attention.scaled import attention, attention_grad, check_fit
from tinytorch.core.autograd import is_grad_enabled
from tinytorch.core.autograd.engine import vjp
from tinytorch.core.layers import dropout
from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.arithmetic import add, multiply
from tinytorch.core.tensor.numbers import real
from tinytorch.core.tensor.products import matmul
from tinytorch.core.tensor.promotion import floats_only, tensors_only
from tinytorch.core.tensor.selection import select

if TYPE_CHECKING:
    Gradients = tuple[Tensor | None, ...]


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(scale * query @ key.T + mask) @ value: (..., heads, time, width), keys and values (..., keys, width).

    A bool mask is True where a key takes part, a float mask is added. Of keys that all are masked out nothing comes: 0.
    With enable_gqa several consecutive query heads share a key head. The scale is 1 / sqrt(width) unless given. Dropout
    of the weights happens whenever dropout_p is above 0, in evaluation too, as in PyTorch.
    """
    name = "scaled_dot_product_attention"
    for each in (query, key, value):
        floats_only(name, each)
    _check_call(name, query, key, value, attn_mask, is_causal, enable_gqa)
    if not 0.0 <= real(name, "dropout_p", dropout_p) <= 1.0:
        raise ValueError(f"{name}: expected dropout_p from 0 to 1, got {dropout_p}")
    factor = 1.0 / math.sqrt(max(query.shape[-1], 1)) if scale is None else real(name, "scale", scale)
    batch = np.broadcast_shapes(query.shape[:-3], key.shape[:-3], value.shape[:-3])
    q, k, v = (_in_four(each, batch) for each in (query, key, value))
    mask = None if attn_mask is None else _mask_in_four(name, attn_mask, batch)
    if dropout_p:
        out, _ = attended(q, k, v, mask, is_causal, factor, dropout_p)
    else:
        out = attention(q, k, v, mask, is_causal, factor)[0]
    heads = (query.shape[-3],) if query.ndim > 2 else ()
    return out.reshape(*batch, *heads, *out.shape[2:])


def attended(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool, scale: float, dropout_p: float = 0.0
) -> tuple[Tensor, Tensor]:
    """The op `attention`, written out: its first output, and the weights (batch, heads, time, keys) before dropout."""
    check_fit("attention", q, k, v, mask)
    groups = q.shape[1] // k.shape[1]
    if groups > 1:
        k, v = _repeated(k, groups), _repeated(v, groups)
    scores = multiply(matmul(q, k.mT), scale)
    for each in (mask, _not_later(q, k) if causal else None):
        if each is not None:
            scores = select(each, scores, -math.inf) if each.dtype == np.bool_ else add(scores, each)
    blind = Tensor((scores.array == -math.inf).all(axis=-1, keepdims=True))  # sees nothing: softmax would give nan
    weights = select(blind, 0.0, softmax(select(blind, 0.0, scores), -1))
    return matmul(dropout(weights, dropout_p) if dropout_p else weights, v), weights


@attention.rule
def attention_rule(
    grad: Tensor,
    out: tuple[Tensor, Tensor],
    q: Tensor,
    k: Tensor,
    v: Tensor,
    mask: Tensor | None,
    causal: bool,
    scale: float,
) -> Gradients:
    """From the fused op, or through the formula where a second derivative may follow or the mask learns."""
    if mask is not None and mask.requires_grad:
        return vjp(lambda q, k, v, mask: attended(q, k, v, mask, causal, scale)[0], (q, k, v, mask), grad)
    if is_grad_enabled():
        return *vjp(lambda q, k, v: attended(q, k, v, mask, causal, scale)[0], (q, k, v), grad), None
    return *attention_grad(grad, q, k, v, mask, *out, causal, scale), None


def _check_call(
    name: str, query: Tensor, key: Tensor, value: Tensor, attn_mask: Any, is_causal: bool, enable_gqa: bool
) -> None:
    if is_causal and attn_mask is not None:
        raise ValueError(f"{name}: expected attn_mask or is_causal, got both")
    if attn_mask is not None:
        tensors_only(name, attn_mask)
    if min(query.ndim, key.ndim, value.ndim) < 2 or not query.ndim == key.ndim == value.ndim:
        raise ValueError(
            f"{name}: expected (..., time, width) three times, got query {query.shape}, key {key.shape}, "
            f"value {value.shape}"
        )
    if query.ndim > 2 and query.shape[-3] != key.shape[-3] and not enable_gqa:
        raise ValueError(
            f"{name}: query has {query.shape[-3]} heads, key {key.shape[-3]}; pass enable_gqa=True to share key heads"
        )
    try:
        np.broadcast_shapes(query.shape[:-3], key.shape[:-3], value.shape[:-3])
    except ValueError as error:
        raise ValueError(
            f"{name}: batches of query {query.shape}, key {key.shape} and value {value.shape} do not broadcast"
        ) from error


def _in_four(x: Tensor, batch: tuple[int, ...]) -> Tensor:
    """(..., heads, time, width) or (time, width) -> (batch, heads, time, width)."""
    if x.ndim == 2:
        return x.reshape(1, 1, *x.shape)
    if x.shape[:-3] != batch:
        x = x.expand(*batch, *x.shape[-3:])
    return x if x.ndim == 4 else x.reshape(math.prod(batch), *x.shape[-3:])


def _mask_in_four(name: str, mask: Tensor, batch: tuple[int, ...]) -> Tensor:
    """A mask that broadcasts to (..., heads, time, keys) as one of four dimensions."""
    if mask.ndim < 2 or mask.ndim > len(batch) + 3:
        raise ValueError(f"{name}: expected attn_mask (..., time, keys), got shape {mask.shape}")
    if mask.ndim <= 4:
        full = mask.reshape(*[1] * (4 - mask.ndim), *mask.shape)
        if len(batch) <= 1:
            return full
    heads = mask.shape[-3:] if mask.ndim > 2 else (1, *mask.shape)
    return mask.expand(*batch, *heads).reshape(math.prod(batch), *heads)


def _repeated(x: Tensor, times: int) -> Tensor:
    """Every key head as often as queries' heads share it: (batch, heads, ...) -> (batch, heads * times, ...)."""
    batch, heads, *rest = x.shape
    return x.unsqueeze(2).expand(batch, heads, times, *rest).reshape(batch, heads * times, *rest)


def _not_later(q: Tensor, k: Tensor) -> Tensor:
    """True where a key stands no later than its query: (time, keys)."""
    return Tensor(np.arange(k.shape[2]) <= np.arange(q.shape[2])[:, None])
