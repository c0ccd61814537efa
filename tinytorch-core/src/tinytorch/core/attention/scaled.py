"""Scaled dot-product attention: every query takes a weighted mean of the values, weighted by how its key fits.

Vaswani et al. 2017, section 3.2.1. The scores of a few heads and queries at a time are made, used and overwritten, so
that the square of the sequence's length is never kept: backward makes them anew from the logarithm of each row's sum
(Dao et al. 2022, section 3.1). Where queries see no later keys, the scores of those are not made.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.tensor import op
from tinytorch.core.tensor.promotion import floats_only, tensors_only
from tinytorch.core.tensor.quiet import quiet

if TYPE_CHECKING:
    from tinytorch.types import Array, Shape

BLOCK_BYTES = 1 << 20  # scores made at a time, so that they stay in a cache
QUERIES, WORTH_HALVING = 128, 64  # at a time; and how many are halved, so that half of them see half of the keys
Block = tuple[slice, slice, slice, slice]  # of (batch, key heads, heads that share one, time or keys)


def _fitting(name: str, q: Any, k: Any, v: Any, mask: Any, causal: bool, scale: float) -> tuple[Any, ...]:
    check_fit(name, q, k, v, mask)
    return q, k, v, mask, causal, scale


def check_fit(name: str, q: Any, k: Any, v: Any, mask: Any) -> None:
    """Raise where shapes or dtypes do not fit."""
    for each in (q, k, v):
        floats_only(name, each)
    query, key, value = q.array.shape, k.array.shape, v.array.shape
    if not len(query) == len(key) == len(value) == 4 or not query[0] == key[0] == value[0]:
        raise ValueError(
            f"{name}: expected (batch, heads, time, width) three times, got query {query}, key {key}, value {value}"
        )
    if query[3] != key[3] or key[1:3] != value[1:3] or not key[1] or query[1] % key[1]:
        raise ValueError(f"{name}: heads, times or widths do not fit, query {query}, key {key}, value {value}")
    if not q.array.dtype == k.array.dtype == v.array.dtype:
        raise TypeError(f"{name}: query is {q.dtype}, key {k.dtype}, value {v.dtype}; convert them with .to(dtype)")
    if mask is not None:
        wanted = (*query[:3], key[2])
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
    return quiet().run(_attention, q, k, v, mask, causal, scale)


def _attention(q: Array, k: Array, v: Array, mask: Array | None, causal: bool, scale: float) -> tuple[Array, Array]:
    if q.shape[2] == 1 and not causal:
        return _of_one_query(q, k, v, mask, scale)
    out = _side_by_side(q, v.shape[3])
    log_sums = np.empty_like(q, shape=(*q.shape[:3], 1), order="C")
    outs, sums, values = (_by_key_head(each, k.shape[1]) for each in (out, log_sums, v))
    for rows, keys, weights in _scores(q, k, mask, causal, scale):
        largest = weights.max(axis=-1, keepdims=True, initial=-math.inf)
        largest[largest == -math.inf] = 0.0
        weights -= largest  # so that exp cannot overflow
        np.exp(weights, out=weights)
        total = (weights @ np.ones_like(weights, shape=weights.shape[-1]))[..., None]
        total[total == 0.0] = 1.0
        np.matmul(weights, values[keys], out=outs[rows])
        outs[rows] /= total
        sums[rows] = np.log(total) + largest
    return out, log_sums


def _of_one_query(q: Array, k: Array, v: Array, mask: Array | None, scale: float) -> tuple[Array, Array]:
    """The same where a text grows token by token: all heads at once, those that share a key head as its queries."""
    batch, heads, _, width = q.shape
    shared = batch, k.shape[1], heads // k.shape[1]
    weights = np.matmul(q.reshape(*shared, width) * q.dtype.type(scale), k.swapaxes(-1, -2))
    if mask is not None:
        added = _added(mask, q)
        weights += added if mask.shape[1] == 1 else added.reshape(mask.shape[0], *shared[1:], mask.shape[3])
    largest = np.maximum.reduce(weights, axis=-1, keepdims=True, initial=-math.inf)
    largest[largest == -math.inf] = 0.0
    weights -= largest
    np.exp(weights, out=weights)
    total = np.add.reduce(weights, axis=-1, keepdims=True)
    np.maximum(total, 1.0, out=total)  # less only of a row that sees nothing
    out = np.matmul(weights, v)
    out /= total
    return out.reshape(batch, heads, 1, v.shape[3]), (np.log(total) + largest).reshape(batch, heads, 1, 1)


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
    return quiet().run(_attention_grad, grad, q, k, v, mask, out, log_sums, causal, scale)


def _attention_grad(
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
    """With slope = grad @ v.T: of the scores, weights * (slope - sum(weights * slope)); that sum is grad * out's."""
    by_q, by_k, by_v = (_side_by_side(each, each.shape[3]) for each in (q, k, v))
    for each in (by_k, by_v):
        each[:, :, q.shape[2] :] = 0.0  # keys later than all queries
    overlap = np.vecdot(grad, out)[..., None]
    queries, grads, sums, overlaps, by_queries = (
        _by_key_head(each, k.shape[1]) for each in (q, grad, log_sums, overlap, by_q)
    )
    all_keys, values, by_keys, by_values = (_by_key_head(each, k.shape[1]) for each in (k, v, by_k, by_v))
    for rows, keys, weights in _scores(q, k, mask, causal, scale):
        weights -= sums[rows]
        np.exp(weights, out=weights)
        first = rows[3].stop == q.shape[2]  # the last queries come first: they may see all keys
        _collect(by_values[keys], weights, grads[rows], first)
        slope = np.matmul(grads[rows], values[keys].swapaxes(-1, -2))
        slope -= overlaps[rows]
        slope *= weights
        slope *= scale
        np.matmul(slope, all_keys[keys], out=by_queries[rows])
        _collect(by_keys[keys], slope, queries[rows], first)
    return by_q, by_k, by_v


def _collect(out: Array, weights: Array, rows: Array, first: bool) -> None:
    """out = weights.T @ rows, or += after the first; heads that share a key head add up."""
    across = weights.swapaxes(-1, -2)
    if first and weights.shape[2] == 1:
        np.matmul(across, rows, out=out)
        return
    product = np.matmul(across, rows).sum(axis=2, keepdims=True)
    np.copyto(out, product) if first else np.add(out, product, out=out)


def _scores(q: Array, k: Array, mask: Array | None, causal: bool, scale: float) -> Iterator[tuple[Block, Block, Array]]:
    """Blocks of queries, the last first, of the keys that they may see, and masked scores (..., queries, keys)."""
    heads, time, count = k.shape[1], q.shape[2], k.shape[2]
    queries, all_keys = _by_key_head(q, heads), _by_key_head(k, heads)
    added = None if mask is None else _by_key_head(_added(mask, q), heads)
    at_once = min(QUERIES, time // 2 if causal and time >= WORTH_HALVING else time)
    later = _later(q, at_once) if causal else None
    everywhere = slice(None)
    for some, some_heads in _blocks(q.shape[0], heads, queries.shape[2] * at_once * count * q.itemsize):
        for start in reversed(range(0, time, at_once or 1)):
            end = min(start + at_once, time)
            seen = min(end, count) if causal else count
            rows = some, some_heads, everywhere, slice(start, end)
            keys = some, some_heads, everywhere, slice(0, seen)
            scores = np.matmul(queries[rows] * q.dtype.type(scale), all_keys[keys].swapaxes(-1, -2))
            if added is not None:
                scores += added[_where_larger(added.shape, rows)][..., :seen]
            if later is not None:
                scores[..., start:] += later[: end - start, : max(seen - start, 0)]
            yield rows, keys, scores


def _blocks(batch: int, heads: int, bytes_of_head: int) -> Iterator[tuple[slice, slice]]:
    """Slices of batch and key heads whose scores fit into a block, if one head's do."""
    fitting = max(1, BLOCK_BYTES // max(1, bytes_of_head))
    together = min(heads, fitting)
    at_once = max(1, fitting // heads)
    for start in range(0, batch, at_once):
        for head in range(0, heads, together):
            yield slice(start, start + at_once), slice(head, head + together)


def _added(mask: Array, like: Array) -> Array:
    """What is added to the scores: a float mask itself, -inf where a bool mask says no."""
    if mask.dtype.kind != "b":
        return mask
    added = np.zeros_like(mask, dtype=like.dtype)
    added[np.logical_not(mask)] = -math.inf
    return added


def _later(like: Array, time: int) -> Array:
    """-inf where a key is later than the query: (time, time)."""
    later = np.zeros_like(like, shape=(time, time), order="C")
    later[np.arange(time) > np.arange(time)[:, None]] = -math.inf
    return later


def _side_by_side(like: Array, width: int) -> Array:
    """An array of (batch, heads, time, width) whose heads lie side by side for each time: joining them is free."""
    batch, heads, time, _ = like.shape
    return np.empty_like(like, shape=(batch, time, heads, width), order="C").transpose(0, 2, 1, 3)


def _by_key_head(array: Array, heads: int) -> Array:
    """(batch, heads, ...) -> (batch, key heads, heads of each, ...): a view; one head for all stays one."""
    batch, own, *rest = array.shape
    return array[:, :, None] if own == 1 else array.reshape(batch, heads, own // heads, *rest)


def _where_larger(shape: Shape, block: Block) -> Block:
    """The block, but all of a dimension that broadcasts."""
    return tuple(slice(None) if size == 1 else part for size, part in zip(shape, block, strict=False))  # type: ignore[return-value]  # as many
