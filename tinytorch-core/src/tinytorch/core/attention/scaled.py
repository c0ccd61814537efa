"""Scaled dot-product attention: every query takes a weighted mean of the values, weighted by how its key fits.

Vaswani et al. 2017, section 3.2.1. The scores of a few heads at a time are made, used and overwritten, so that the
square of the sequence's length is never kept: backward makes them anew from the logarithm of each row's sum (Dao et al.
2022, section 3.1).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.tensor import op
from tinytorch.core.tensor.promotion import floats_only, tensors_only

if TYPE_CHECKING:
    from tinytorch.types import Array, Shape

BLOCK_BYTES = 2 << 20  # scores made at a time: about a level-2 cache
Block = tuple[slice, slice]  # of batch and of key heads


def _fitting(name: str, q: Any, k: Any, v: Any, mask: Any, causal: bool, scale: float) -> tuple[Any, ...]:
    check_fit(name, q, k, v, mask)
    return q, k, v, mask, causal, scale


def check_fit(name: str, q: Any, k: Any, v: Any, mask: Any) -> None:
    """Raise where shapes or dtypes do not fit."""
    for each in (q, k, v):
        floats_only(name, each)
    shapes = f"query {q.shape}, key {k.shape}, value {v.shape}"
    if not q.ndim == k.ndim == v.ndim == 4 or not q.shape[0] == k.shape[0] == v.shape[0]:
        raise ValueError(f"{name}: expected (batch, heads, time, width) three times, got {shapes}")
    if q.shape[3] != k.shape[3] or k.shape[1:3] != v.shape[1:3] or not k.shape[1] or q.shape[1] % k.shape[1]:
        raise ValueError(f"{name}: heads, times or widths do not fit, {shapes}")
    if not q.dtype == k.dtype == v.dtype:
        raise TypeError(f"{name}: query is {q.dtype}, key {k.dtype}, value {v.dtype}; convert them with .to(dtype)")
    if mask is not None:
        wanted = (*q.shape[:3], k.shape[2])
        if tensors_only(name, mask)[0].dtype not in (np.dtype(bool), q.dtype):
            raise TypeError(f"{name}: expected a mask of bool or {q.dtype}, got {mask.dtype}")
        if mask.ndim != 4 or any(n not in (1, m) for n, m in zip(mask.shape, wanted, strict=True)):
            raise ValueError(f"{name}: a mask of shape {mask.shape} does not broadcast to {wanted}")


@op(prepare=_fitting)
def attention(q: Array, k: Array, v: Array, mask: Array | None, causal: bool, scale: float) -> tuple[Array, Array]:
    """softmax(scale * q @ k.T + mask) @ v, and log(sum(exp)) of each row of scores.

    (batch, heads, time, width), (batch, key heads, keys, width), (batch, key heads, keys, out) ->
    (batch, heads, time, out), (batch, heads, time, 1). Consecutive heads share a key head. A bool mask says who takes
    part, a float mask is added, both broadcast to (batch, heads, time, keys); causal: a query sees keys no later than
    itself. A row that sees nothing gives zeros, and 0 for its logarithm.
    """
    groups = q.shape[1] // k.shape[1]
    added = _added(q, k, mask, causal)
    out = _side_by_side(q, v.shape[3])
    log_sums = np.empty_like(q, shape=(*q.shape[:3], 1))
    by_key_head, sums = _by_key_head(out, groups), _by_key_head(log_sums, groups)
    for block, scores in _scores(q, k, added, scale):
        largest = scores.max(axis=-1, keepdims=True, initial=-math.inf)
        largest[largest == -math.inf] = 0.0
        scores -= largest  # so that exp cannot overflow
        np.exp(scores, out=scores)
        total = scores.sum(axis=-1, keepdims=True)
        total[total == 0.0] = 1.0
        np.matmul(scores, v[block][:, :, None], out=by_key_head[block])
        by_key_head[block] /= total
        sums[block] = np.log(total) + largest
    return out, log_sums


@op
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
) -> tuple[Array, Array, Array]:
    """The gradients of q, k and v; out and log_sums are attention's outputs."""
    groups = q.shape[1] // k.shape[1]
    added = _added(q, k, mask, causal)
    by_q, by_k, by_v = _side_by_side(q, q.shape[3]), _side_by_side(k, k.shape[3]), _side_by_side(v, v.shape[3])
    grads, queries, outs, sums, by_queries = (_by_key_head(each, groups) for each in (grad, q, out, log_sums, by_q))
    for block, weights in _scores(q, k, added, scale):
        weights -= sums[block]
        np.exp(weights, out=weights)
        arrived = grads[block]
        by_v[block] = np.matmul(weights.swapaxes(-1, -2), arrived).sum(axis=2)
        slope = np.matmul(arrived, v[block][:, :, None].swapaxes(-1, -2))
        slope -= np.sum(arrived * outs[block], axis=-1, keepdims=True)  # the softmax's: weights * (slope - its mean)
        slope *= weights
        slope *= scale
        np.matmul(slope, k[block][:, :, None], out=by_queries[block])
        by_k[block] = np.matmul(slope.swapaxes(-1, -2), queries[block]).sum(axis=2)
    return by_q, by_k, by_v


def _scores(q: Array, k: Array, added: Array | None, scale: float) -> Iterator[tuple[Block, Array]]:
    """Blocks of batch and key heads, and their masked scores: (batch, key heads, heads of each, time, keys)."""
    groups = q.shape[1] // k.shape[1]
    queries = _by_key_head(q, groups)
    wide = None if added is None else _by_key_head(added, groups)
    for block in _blocks(q.shape[0], k.shape[1], groups * q.shape[2] * k.shape[2] * q.itemsize):
        scores = np.matmul(queries[block] * q.dtype.type(scale), k[block][:, :, None].swapaxes(-1, -2))
        if wide is not None:
            scores += wide[_where_larger(wide.shape, block)]
        yield block, scores


def _blocks(batch: int, heads: int, bytes_of_head: int) -> Iterator[Block]:
    """Slices of batch and key heads whose scores fit into a block, if one head's do."""
    fitting = max(1, BLOCK_BYTES // max(1, bytes_of_head))
    together = min(heads, fitting)
    at_once = max(1, fitting // heads)
    for start in range(0, batch, at_once):
        for head in range(0, heads, together):
            yield slice(start, start + at_once), slice(head, head + together)


def _added(q: Array, k: Array, mask: Array | None, causal: bool) -> Array | None:
    """What is added to the scores, in four dimensions that broadcast: the mask, and -inf where a key is later."""
    added = mask
    if mask is not None and mask.dtype.kind == "b":
        added = np.zeros_like(mask, dtype=q.dtype)
        added[np.logical_not(mask)] = -math.inf
    if not causal:
        return added
    later = np.zeros_like(q, shape=(1, 1, q.shape[2], k.shape[2]))
    later[:, :, np.arange(k.shape[2]) > np.arange(q.shape[2])[:, None]] = -math.inf
    return later if added is None else added + later


def _side_by_side(like: Array, width: int) -> Array:
    """An array of (batch, heads, time, width) whose heads lie side by side for each time: joining them is free."""
    batch, heads, time, _ = like.shape
    return np.empty_like(like, shape=(batch, time, heads, width), order="C").transpose(0, 2, 1, 3)


def _by_key_head(array: Array, groups: int) -> Array:
    """(batch, heads, ...) -> (batch, key heads, heads of each, ...): a view; one head for all stays one."""
    batch, heads, *rest = array.shape
    return array[:, :, None] if heads == 1 else array.reshape(batch, heads // groups, groups, *rest)


def _where_larger(shape: Shape, block: Block) -> Block:
    """The block, but all of a dimension that broadcasts."""
    return (
        slice(None) if shape[0] == 1 else block[0],
        slice(None) if shape[1] == 1 else block[1],
    )
