"""The rows of chapter 1, continued: indexing, reductions, order, products."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinytorch.testing import draw
from tinytorch.testing.case import EXACT, NEAR, Arguments, OpCase, Sampler
from tinytorch.types import Array, DType, Shape

Generator = np.random.Generator


def plain_index(rng: Generator, shape: Shape) -> tuple[Any, ...]:
    """Integers, slices, None and Ellipsis, for the first dimensions or, after an Ellipsis, the last."""
    parts: list[Any] = []
    for size in shape[: rng.integers(0, len(shape) + 1)]:
        kind = rng.integers(0, 3)
        if kind == 0 and size:
            parts.append(int(rng.integers(-size, size)))
        else:
            start, stop = sorted(int(end) for end in rng.integers(0, size + 1, 2))
            parts.append(slice(start, stop, int(rng.integers(1, 3))) if kind == 1 else slice(None))
    if rng.random() < 0.3:
        parts.insert(int(rng.integers(0, len(parts) + 1)), None)
    if len(parts) - parts.count(None) == len(shape) and rng.random() < 0.5:
        parts.insert(int(rng.integers(0, len(parts) + 1)), Ellipsis)
    return tuple(parts)


def advanced_index(rng: Generator, shape: Shape) -> tuple[Any, ...]:
    """A mask, or integer arrays that broadcast, with slices between; `shape` has a dimension, and no size is 0."""
    if rng.random() < 0.3:
        covered = int(rng.integers(1, len(shape) + 1))
        return (np.asarray(rng.random(shape[:covered]) < 0.6),)
    picked = draw.few(rng, high=2, smallest=1)
    parts: list[Any] = [slice(None) if rng.random() < 0.4 else _positions(rng, picked, size) for size in shape]
    if all(isinstance(part, slice) for part in parts):
        parts[0] = _positions(rng, picked, shape[0])
    return tuple(parts)


def _positions(rng: Generator, picked: Shape, size: int) -> Array:
    return np.asarray(rng.integers(-size, size, picked))


def _view_slice(rng: Generator, dtype: DType) -> Arguments:
    x = draw.normal(rng, draw.shape(rng), dtype)
    return x, plain_index(rng, x.shape)


def _put_slice(rng: Generator, dtype: DType) -> Arguments:
    x, index = _view_slice(rng, dtype)
    return draw.normal(rng, x[index].shape, dtype), index, x.shape


def _pick(rng: Generator, dtype: DType) -> Arguments:
    x = draw.normal(rng, draw.shape(rng, low=1, smallest=1), dtype)
    return x, advanced_index(rng, x.shape)


def _put(rng: Generator, dtype: DType) -> Arguments:
    x, index = _pick(rng, dtype)
    return draw.normal(rng, x[index].shape, dtype), index, x.shape


def _assign(rng: Generator, dtype: DType) -> Arguments:
    x = draw.normal(rng, draw.shape(rng, low=1, smallest=1), dtype)
    if rng.random() < 0.5:
        index = plain_index(rng, x.shape)
    else:  # each place once: the last of several writes wins, in no order that numpy promises
        index = (rng.permutation(x.shape[0])[: rng.integers(1, x.shape[0] + 1)],)
    place = x[index].shape
    return x, draw.normal(rng, place if rng.random() < 0.5 else place[1:], dtype), index


def _gather(rng: Generator, dtype: DType) -> Arguments:
    x = draw.normal(rng, draw.shape(rng, low=1, smallest=1), dtype)
    dim = int(rng.integers(0, x.ndim))
    shape = [int(rng.integers(1, size + 1)) for size in x.shape]
    shape[dim] = int(rng.integers(0, 6))
    return x, draw.integers(rng, tuple(shape), 0, x.shape[dim]), dim


def _scatter(rng: Generator, dtype: DType) -> Arguments:
    x, index, dim = _gather(rng, dtype)
    return draw.normal(rng, index.shape, dtype), index, dim, x.shape


def reduction(drawn: Any, smallest: int = 0) -> Sampler:
    """A sampler of an array, dimensions and keepdim."""

    def sample(rng: Generator, dtype: DType) -> Arguments:
        x = drawn(rng, draw.shape(rng, smallest=smallest), dtype)
        return x, draw.dims(rng, x.ndim), bool(rng.integers(0, 2))

    return sample


def _with_zeros(rng: Generator, size: Shape, dtype: DType) -> Array:
    return np.asarray(draw.normal(rng, size, dtype) * draw.booleans(rng, size)).astype(dtype)


def _small(rng: Generator, size: Shape, dtype: DType) -> Array:
    return draw.integers(rng, size, 0, 3).astype(dtype)


def _along(drawn: Any, smallest: int = 0) -> Sampler:
    def sample(rng: Generator, dtype: DType) -> Arguments:
        x = drawn(rng, draw.shape(rng, low=1, smallest=smallest), dtype)
        return x, int(rng.integers(0, x.ndim))

    return sample


def _arg_sort(rng: Generator, dtype: DType) -> Arguments:
    x, dim = _along(_small)(rng, dtype)
    return x, dim, bool(rng.integers(0, 2))


def _arg_top_k(rng: Generator, dtype: DType) -> Arguments:
    x, dim = _along(draw.distinct)(rng, dtype)
    return x, int(rng.integers(0, x.shape[dim] + 1)), dim, bool(rng.integers(0, 2))


def _matmul(rng: Generator, dtype: DType) -> Arguments:
    low = 0 if rng.random() < 0.1 else 1
    rows, inner, columns = (draw.extent(rng, low, 5) for _ in range(3))
    with draw.small():
        batches = draw.pair_of_shapes(rng)
    left: Shape = (inner,) if rng.random() < 0.2 else (*batches[0][-2:], rows, inner)
    right: Shape = (inner,) if rng.random() < 0.2 else (*batches[1][-2:], inner, columns)
    return draw.normal(rng, left, dtype), draw.normal(rng, right, dtype)


INDEXING = (
    OpCase("view_slice", _view_slice, EXACT),
    OpCase("put_slice", _put_slice, EXACT),
    OpCase("pick", _pick, EXACT),
    OpCase("put", _put, NEAR),
    OpCase("assign", _assign, EXACT),
    OpCase("gather_along", _gather, EXACT),
    OpCase("scatter_sum", _scatter, NEAR),
)

REDUCTIONS = (
    OpCase("reduce_sum", reduction(draw.normal), NEAR),
    OpCase("reduce_mean", reduction(draw.normal, smallest=1), NEAR),
    OpCase("reduce_max", reduction(draw.distinct, smallest=1), EXACT),
    OpCase("reduce_min", reduction(draw.distinct, smallest=1), EXACT),
    OpCase("reduce_prod", reduction(_with_zeros), NEAR),
    OpCase("reduce_any", reduction(_small), EXACT, ("float32", "int64", "bool")),
    OpCase("reduce_all", reduction(_small), EXACT, ("float32", "int64", "bool")),
    OpCase("arg_max", _along(_small, smallest=1), EXACT, ("float32", "float64", "int64")),
    OpCase("arg_min", _along(_small, smallest=1), EXACT, ("float32", "float64", "int64")),
    OpCase("cumulative_sum", _along(draw.normal), NEAR),
    OpCase("arg_sort", _arg_sort, EXACT, ("float32", "float64", "int64")),
    OpCase("arg_top_k", _arg_top_k, EXACT, ("float32", "float64")),
)

PRODUCTS = (OpCase("matmul", _matmul, NEAR),)
