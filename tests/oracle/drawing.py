"""Samplers that the tables share: each takes a generator and gives a value, or makes such a function."""

import numpy as np

from tinytorch.testing import draw

FLOAT32 = np.dtype("float32")


def of(*size, low=None, dtype="float32"):
    """Normal numbers of a fixed shape, above `low` if there is one."""

    def sample(rng):
        array = rng.standard_normal(size)
        return np.asarray(array if low is None else np.abs(array) + low).astype(dtype)

    return sample


def anything(rng):
    """Normal numbers of a random shape, in float32 or, now and then, in float64."""
    dtype = "float64" if rng.random() < 0.2 else "float32"
    return np.array(draw.normal(rng, draw.shape(rng, high=3), np.dtype(dtype)))


def filled(rng):
    """As `anything`, with at least one element."""
    return np.array(draw.normal(rng, draw.shape(rng, high=3, smallest=1), FLOAT32))


def matrixlike(rng):
    """Normal numbers with two dimensions or three."""
    return np.array(draw.normal(rng, draw.shape(rng, low=2, high=3, smallest=2), FLOAT32))


def positive(rng):
    """Numbers from 0.3 to 2.5 of a random shape."""
    return np.array(draw.positive(rng, draw.shape(rng, high=3), FLOAT32))


def ties(*size, dtype="float32"):
    """Whole numbers from 0 to 2: many are equal."""
    return lambda rng: rng.integers(0, 3, size).astype(dtype)


def whole(low, high, *size, dtype="int64"):
    """Whole numbers from low up to, not including, high."""
    return lambda rng: np.asarray(rng.integers(low, high, size)).astype(dtype)


def mask(*size):
    """True and False, at least one of them True."""

    def sample(rng):
        array = rng.random(size) < 0.5
        array.flat[:1] = True
        return array

    return sample


def special(*size):
    """Numbers among which are 0, -0, inf, -inf, nan, whole numbers and halves."""
    numbers = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 2.5, -2.5, 0.5, 3.0, 1e-30, 1e30], np.float32)
    return lambda rng: rng.choice(numbers, size)


def one_of(*options):
    """One of the options."""
    return lambda rng: options[rng.integers(0, len(options))]


def pair(first=draw.normal, second=draw.normal):
    """Two arrays `a` and `b` whose shapes broadcast."""

    def sample(rng):
        left, right = draw.pair_of_shapes(rng)
        return {"a": np.array(first(rng, left[-3:], FLOAT32)), "b": np.array(second(rng, right[-3:], FLOAT32))}

    return sample


def along(drawn=anything):
    """An array `x`, one of its dimensions `dim` (negative or not), and `keepdim`."""

    def sample(rng):
        x = drawn(rng)
        dim = int(rng.integers(-max(x.ndim, 1), max(x.ndim, 1)))
        return {"x": x, "dim": dim, "keepdim": bool(rng.integers(0, 2))}

    return sample


def over(drawn=anything):
    """An array `x`, several of its dimensions `dims` in any order and sign, and `keepdim`."""

    def sample(rng):
        x = drawn(rng)
        order = [int(dim) for dim in rng.permutation(x.ndim)[: rng.integers(0, x.ndim + 1)]]
        dims = [dim - x.ndim if rng.random() < 0.5 else dim for dim in order]
        return {"x": x, "dims": dims, "keepdim": bool(rng.integers(0, 2))}

    return sample
