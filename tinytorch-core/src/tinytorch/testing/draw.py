"""Drawing legal inputs: shapes, numbers and memory layouts from a numpy Generator.

Every sampler of `OP_CASES` is written with these. Sizes are small, since finite differences ask often, and layouts
vary, since a kernel that assumes row-major memory is right until the day it meets a transposed array. Within `large()`
sizes are what models have: kernels work in blocks, and where the last block is not full is where they fail.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

import numpy as np

from tinytorch.types import Array, DType, Shape

SMALL, LARGE = 1, 1 << 12  # elements that the sizes of a shape are multiplied by, together

_growth: ContextVar[int] = ContextVar("growth", default=SMALL)


@contextmanager
def _growing(by: int) -> Iterator[None]:
    before = _growth.set(by)
    try:
        yield
    finally:
        _growth.reset(before)


def large() -> AbstractContextManager[None]:
    """Draw large inputs inside the block."""
    return _growing(LARGE)


def small() -> AbstractContextManager[None]:
    """Draw small inputs inside the block: what comes beside sizes that may be large."""
    return _growing(SMALL)


def extent(rng: np.random.Generator, low: int, high: int, share: float = 0.3) -> int:
    """A size from low up to, not including, high; large, it grows by `share` of what a shape does, in powers; not 0."""
    drawn = int(rng.integers(low, high))
    by = round(_growth.get() ** share)
    return drawn if by == 1 or not drawn else drawn * by - int(rng.integers(0, by))


def shape(rng: np.random.Generator, low: int = 0, high: int = 4, smallest: int = 0) -> Shape:
    """A shape of `low` to `high` dimensions, most sizes 1 to 4; one in twenty is `smallest`."""
    ndim = int(rng.integers(low, high + 1))
    sizes = [extent(rng, 1, 5, 1 / ndim) for _ in range(ndim)]
    return tuple(smallest if rng.random() < 0.05 else n for n in sizes)


def few(rng: np.random.Generator, high: int, smallest: int = 0) -> Shape:
    """A small shape of at most `high` dimensions."""
    with small():
        return shape(rng, high=high, smallest=smallest)


def pair_of_shapes(rng: np.random.Generator) -> tuple[Shape, Shape]:
    """Two shapes that broadcast: often equal, often with sizes 1 or dimensions left out."""
    whole = shape(rng)
    if rng.random() < 0.4:
        return whole, whole
    return _shrunk(rng, whole), _shrunk(rng, whole)


def _shrunk(rng: np.random.Generator, whole: Shape) -> Shape:
    ones = tuple(1 if rng.random() < 0.3 else size for size in whole)
    return ones[rng.integers(0, len(ones) + 1) if rng.random() < 0.4 else 0 :]


def layout(rng: np.random.Generator, array: Array) -> Array:
    """The same numbers, in row-major, column-major, strided or reversed memory."""
    kind = rng.integers(0, 4)
    if kind == 0 or array.ndim == 0:
        return array
    if kind == 1:
        return np.asfortranarray(array)
    if kind == 2:
        apart = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
        apart[..., ::2] = array
        return apart[..., ::2]
    return np.ascontiguousarray(array[::-1])[::-1]


def normal(rng: np.random.Generator, size: Shape, dtype: DType, scale: float = 1.0) -> Array:
    """Normal numbers."""
    return layout(rng, np.asarray(rng.standard_normal(size) * scale).astype(dtype))


def uniform(rng: np.random.Generator, size: Shape, dtype: DType, low: float, high: float) -> Array:
    """Uniform numbers in [low, high)."""
    return layout(rng, np.asarray(rng.uniform(low, high, size)).astype(dtype))


def positive(rng: np.random.Generator, size: Shape, dtype: DType) -> Array:
    """Numbers from 0.3 to 2.5: safe to divide by and to take the logarithm of."""
    return uniform(rng, size, dtype, 0.3, 2.5)


def apart(rng: np.random.Generator, size: Shape, dtype: DType, unit: float = 1.0) -> Array:
    """Numbers of which none is within 0.1 units of a multiple of `unit`: away from the kinks of abs, floor, relu."""
    whole = rng.integers(-3, 3, size=size)
    return layout(rng, np.asarray((whole + rng.uniform(0.1, 0.9, size)) * unit).astype(dtype))


def distinct(rng: np.random.Generator, size: Shape, dtype: DType) -> Array:
    """Numbers in random order of which no two are nearer than 0.1: maxima stay maxima under small steps."""
    count = int(np.prod(size, dtype=int))
    numbers = (rng.permutation(count) - count / 2) * 0.2 + rng.uniform(-0.05, 0.05, count)
    return layout(rng, numbers.reshape(size).astype(dtype))


def integers(rng: np.random.Generator, size: Shape, low: int, high: int) -> Array:
    """Whole numbers from low up to, not including, high: int64."""
    return layout(rng, np.asarray(rng.integers(low, high, size)))


def booleans(rng: np.random.Generator, size: Shape) -> Array:
    """True and False."""
    return layout(rng, np.asarray(rng.random(size) < 0.5))


def choice(rng: np.random.Generator, options: tuple[object, ...]) -> object:
    """One of the options, as it is."""
    return options[rng.integers(0, len(options))]


def dims(rng: np.random.Generator, ndim: int) -> tuple[int, ...]:
    """Some of `ndim` dimensions, sorted: all, one, or any number of them."""
    kind = rng.integers(0, 3)
    if kind == 0 or ndim == 0:
        return tuple(range(ndim))
    count = 1 if kind == 1 else int(rng.integers(0, ndim + 1))
    return tuple(sorted(int(dim) for dim in rng.permutation(ndim)[:count]))
