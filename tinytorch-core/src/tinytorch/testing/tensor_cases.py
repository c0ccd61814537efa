"""The rows of chapter 1: arithmetic, comparison, shapes."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinytorch.testing import draw
from tinytorch.testing.case import EXACT, FLOATS, NEAR, Arguments, OpCase, Sampler
from tinytorch.types import DType, Shape

Generator = np.random.Generator

WHOLE = ("uint8", "int32", "int64", "bool")


def unary(drawn: Any, **settings: Any) -> Sampler:
    """A sampler of one array of any shape."""
    return lambda rng, dtype: (drawn(rng, draw.shape(rng), dtype, **settings),)


def binary(first: Any, second: Any) -> Sampler:
    """A sampler of two arrays whose shapes broadcast."""

    def sample(rng: Generator, dtype: DType) -> Arguments:
        left, right = draw.pair_of_shapes(rng)
        return first(rng, left, dtype), second(rng, right, dtype)

    return sample


def whole(rng: Generator, size: Shape, dtype: DType) -> Any:
    """Whole numbers from 0 to 4 as any dtype, so that pairs are often equal."""
    return draw.integers(rng, size, 0, 5).astype(dtype)


def nonzero(rng: Generator, size: Shape, dtype: DType) -> Any:
    """Numbers from 0.5 to 2.5 in size, of both signs."""
    return np.copysign(
        draw.uniform(rng, size, dtype, 0.5, 2.5), draw.normal(rng, size, dtype), out=np.empty(size, dtype)
    )


def _remainder(rng: Generator, dtype: DType) -> Arguments:
    """Quotients away from whole numbers, where the remainder jumps."""
    left, right = draw.pair_of_shapes(rng)
    divisor = nonzero(rng, right, dtype)
    shape = np.broadcast_shapes(left, right)
    return np.asarray(draw.apart(rng, shape, dtype) * divisor), divisor


def _unequal(rng: Generator, dtype: DType) -> Arguments:
    """Two arrays of which no two elements are near."""
    left, right = draw.pair_of_shapes(rng)
    both = draw.distinct(rng, (int(np.prod(left)) + int(np.prod(right)),), dtype)
    return both[: int(np.prod(left))].reshape(left), both[int(np.prod(left)) :].reshape(right)


def _power(rng: Generator, dtype: DType) -> Arguments:
    """Whole exponents, for bases of both signs."""
    exponent = np.array(draw.choice(rng, (0, 1, 2, 3, 4)), dtype)
    return draw.normal(rng, draw.shape(rng), dtype), exponent if rng.random() < 0.5 else exponent.reshape(1)


def _select(rng: Generator, dtype: DType) -> Arguments:
    left, right = draw.pair_of_shapes(rng)
    condition = draw.booleans(rng, np.broadcast_shapes(left, right))
    return condition, draw.normal(rng, left, dtype), draw.normal(rng, right, dtype)


def _clip(rng: Generator, dtype: DType) -> Arguments:
    low, high = (float(rng.integers(-3, 1)), float(rng.integers(0, 4)))  # whole: the inputs are not
    bounds = ((low, high), (low, None), (None, high))[rng.integers(0, 3)]
    return (draw.apart(rng, draw.shape(rng), dtype), *bounds)


def _cast(rng: Generator, dtype: DType) -> Arguments:
    """From float64 only to itself: finite differences need its digits."""
    targets = FLOATS if dtype == "float32" else ("float64",)
    return draw.normal(rng, draw.shape(rng), dtype), np.dtype(str(draw.choice(rng, targets)))


def _cast_whole(rng: Generator, dtype: DType) -> Arguments:
    """Numbers that every dtype holds, to any of them."""
    return whole(rng, draw.shape(rng), dtype), np.dtype(str(draw.choice(rng, (*FLOATS, *WHOLE, "float16"))))


def _reshape(rng: Generator, dtype: DType) -> Arguments:
    x = draw.normal(rng, draw.shape(rng), dtype)
    sizes = list(rng.permutation(x.shape)) if rng.random() < 0.5 else [x.size]
    return x, (*[int(size) for size in sizes], *[1] * int(rng.integers(0, 2)))


def _permute(rng: Generator, dtype: DType) -> Arguments:
    x = draw.normal(rng, draw.shape(rng), dtype)
    return x, tuple(int(dim) for dim in rng.permutation(x.ndim))


def _broadcast(rng: Generator, dtype: DType) -> Arguments:
    small, large = draw.pair_of_shapes(rng)
    return draw.normal(rng, small, dtype), np.broadcast_shapes(small, large)


def _concatenate(rng: Generator, dtype: DType) -> Arguments:
    shape = draw.shape(rng, low=1)
    dim = int(rng.integers(0, len(shape)))
    sizes = rng.integers(0, 4, size=rng.integers(1, 4))
    return [draw.normal(rng, (*shape[:dim], int(n), *shape[dim + 1 :]), dtype) for n in sizes], dim


def _flip(rng: Generator, dtype: DType) -> Arguments:
    x = draw.normal(rng, draw.shape(rng), dtype)
    return x, draw.dims(rng, x.ndim)


def _pad(rng: Generator, dtype: DType) -> Arguments:
    x = draw.normal(rng, draw.shape(rng), dtype)
    widths = tuple((int(a), int(b)) for a, b in rng.integers(0, 3, size=(x.ndim, 2)))
    return x, widths, draw.choice(rng, (0.0, 1.5, -2.0))


def _tanh_grad(rng: Generator, dtype: DType) -> Arguments:
    shape = draw.shape(rng)
    return draw.normal(rng, shape, dtype), draw.uniform(rng, shape, dtype, -1, 1)


ARITHMETIC = (
    OpCase("cast", _cast, EXACT),
    OpCase("cast", _cast_whole, EXACT, (*FLOATS, *WHOLE), order=0),
    OpCase("add", binary(draw.normal, draw.normal), EXACT),
    OpCase("subtract", binary(draw.normal, draw.normal), EXACT),
    OpCase("multiply", binary(draw.normal, draw.normal), EXACT),
    OpCase("divide", binary(draw.normal, nonzero), NEAR),
    OpCase("floor_divide", _remainder, EXACT),
    OpCase("remainder", _remainder, NEAR, order=1),
    OpCase("power", binary(draw.positive, draw.normal), NEAR),
    OpCase("power", _power, NEAR, constants=("b",)),
    OpCase("maximum", _unequal, EXACT),
    OpCase("minimum", _unequal, EXACT),
    OpCase("select", _select, EXACT),
    OpCase("copied", unary(draw.normal), EXACT),
    OpCase("negative", unary(draw.normal), EXACT),
    OpCase("absolute", unary(draw.apart), EXACT),
    OpCase("sign", unary(draw.apart), EXACT),
    OpCase("exp", unary(draw.normal), NEAR),
    OpCase("expm1", unary(draw.normal), NEAR),
    OpCase("log", unary(draw.positive), NEAR),
    OpCase("log1p", unary(draw.positive), NEAR),
    OpCase("sqrt", unary(draw.positive), NEAR),
    OpCase("sin", unary(draw.normal), NEAR),
    OpCase("cos", unary(draw.normal), NEAR),
    OpCase("tanh", unary(draw.normal), NEAR),
    OpCase("sigmoid", unary(draw.normal), NEAR),
    OpCase("tanh_grad", _tanh_grad, NEAR),
    OpCase("sigmoid_grad", _tanh_grad, NEAR),
    OpCase("floor", unary(draw.apart), EXACT),
    OpCase("ceil", unary(draw.apart), EXACT),
    OpCase("rint", unary(draw.apart, unit=0.5), EXACT),
    OpCase("clip", _clip, EXACT),
)

COMPARISON = (
    *[OpCase(name, binary(whole, whole), EXACT, (*FLOATS, *WHOLE)) for name in ("equal_to", "not_equal")],
    *[OpCase(name, binary(whole, whole), EXACT, (*FLOATS, *WHOLE)) for name in ("less", "less_equal")],
    *[OpCase(name, binary(whole, whole), EXACT, (*FLOATS, *WHOLE)) for name in ("greater", "greater_equal")],
    OpCase("logical_not", unary(whole), EXACT, (*FLOATS, *WHOLE)),
    *[OpCase(f"logical_{name}", binary(whole, whole), EXACT, (*FLOATS, *WHOLE)) for name in ("and", "or", "xor")],
    OpCase("bitwise_not", unary(whole), EXACT, WHOLE),
    *[OpCase(f"bitwise_{name}", binary(whole, whole), EXACT, WHOLE) for name in ("and", "or", "xor")],
)

SHAPES = (
    OpCase("reshape_to", _reshape, EXACT),
    OpCase("permute_dims", _permute, EXACT),
    OpCase("broadcast_to", _broadcast, EXACT),
    OpCase("concatenate", _concatenate, EXACT),
    OpCase("flip_dims", _flip, EXACT),
    OpCase("pad_constant", _pad, EXACT),
)
