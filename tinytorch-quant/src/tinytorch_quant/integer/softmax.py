"""Softmax of int8 codes in whole numbers alone, as gemmlowp and TFLite's reference kernel compute it.

Numbers are int32 with the point fixed: with i bits before it, `raw` stands for raw / 2**(31 - i). exp of what a code is
below the largest has 256 values: a table. Sums of whole numbers are the same in every order, and a sum's reciprocal is
found by Newton's method (gemmlowp, `fixedpoint/fixedpoint.h`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.tensor import op
from tinytorch_quant.integer.checks import with_table
from tinytorch_quant.integer.fixed_point import INT32_MAX, INT32_MIN, quantize_multiplier

if TYPE_CHECKING:
    from tinytorch.types import Array

ONE = 1 << 31  # of numbers without bits before the point, whose largest is the one below
DIFFERENCE_BITS, SUM_BITS = 5, 12  # before the point: of scaled differences, and of sums of exponentials


def _fitting(name: str, x: Any, table: Any) -> tuple[Any, ...]:
    if not with_table(name, "int32", x, table)[0].ndim or not x.shape[-1]:
        raise ValueError(f"{name}: expected scores along a last axis, got {x.shape}")
    return x, table


@op(prepare=_fitting)
def int8_softmax(x: Array, table: Array) -> Array:
    """Scores to probabilities along the last axis, as codes of scale 1/256 and zero point -128: (..., n) -> the same.

    `table`, (256,) int32, is `softmax_table`'s: exp of -i steps in units of 2**-31. TFLite stops where the sum of the
    exponentials reaches 512; here such probabilities are what the arithmetic gives, next to nothing.
    """
    weights = table[x.max(axis=-1, keepdims=True).astype(np.int16) - x].astype(np.int64)
    total = np.minimum(_halved(weights, SUM_BITS).sum(axis=-1, keepdims=True), INT32_MAX)
    size = np.frexp(total.astype(np.float64))[1].astype(np.int64)  # bits that it takes
    inverse = _one_over_one_plus((total << (32 - size)) - ONE)
    codes = _halved(_product(inverse, weights), 31 - 8 + SUM_BITS - 32 + size)
    return np.minimum(codes - 128, 127).astype(np.int8)


def softmax_table(scale: float, beta: float = 1.0) -> Array:
    """exp(-beta * scale * i) for i from 0 to 255, (256,) int32 in units of 2**-31; the least, below 2**-22, are 0."""
    real = float(np.float32(beta)) * float(np.float32(scale))
    if not real > 2.0 ** -(31 - DIFFERENCE_BITS):
        raise ValueError(f"softmax_table: expected a scale above 2**-26, got {real}")
    mantissa, exponent = quantize_multiplier(min(real, 2.0**DIFFERENCE_BITS - 2.0 ** -(31 - DIFFERENCE_BITS)))
    left = int(exponent) + 31 - DIFFERENCE_BITS
    steps = np.arange(256)
    seen = steps <= ((1 << DIFFERENCE_BITS) - 1 << (31 - DIFFERENCE_BITS)) >> left
    exponents = _product(np.where(seen, -steps, 0) << left, int(mantissa))
    return np.where(seen, _exp_of_negative(exponents), 0).astype(np.int32)


def _exp_of_negative(a: Array) -> Array:
    """exp of numbers in [-31, 0], 5 bits before the point: the last quarter by a polynomial, the rest bit by bit."""
    quarter = 1 << (31 - DIFFERENCE_BITS - 2)
    part = (a & (quarter - 1)) - quarter  # in [-1/4, 0)
    result = _exp_of_part(part << DIFFERENCE_BITS)
    rest = part - a
    for power in range(-2, DIFFERENCE_BITS):
        factor = round(math.exp(-(2.0**power)) * ONE)
        result = np.where(rest & (1 << (31 - DIFFERENCE_BITS + power)), _product(result, factor), result)
    return np.where(a == 0, ONE - 1, result)


def _exp_of_part(a: Array) -> Array:
    """exp of numbers in [-1/4, 0): the Taylor series around -1/8 up to the fourth power."""
    middle, third = round(math.exp(-1.0 / 8.0) * ONE), round(ONE / 3)
    x = a + (ONE >> 3)
    square = _product(x, x)
    cube, fourth = _product(square, x), _product(square, square)
    series = _halved(_product(_halved(fourth, 2) + cube, third) + square, 1)
    return middle + _product(x + series, middle)


def _one_over_one_plus(a: Array) -> Array:
    """1 / (1 + a) of numbers in [0, 1), by three of Newton's steps; with 2 bits before the point on the way."""
    half = (a + ONE) >> 1  # (1 + a) / 2; the largest number stands for 1, so that the sum's half is rounded up
    x = round(48.0 / 17.0 * (ONE >> 2)) + _product(half, round(-32.0 / 17.0 * (ONE >> 2)))
    for _ in range(3):
        x = x + _saturated(_product(x, (ONE >> 2) - _product(half, x)) << 2)
    return _saturated(x << 1)


def _product(a: Array, b: Any) -> Array:
    """a * b in units of 2**-31, halves upwards: SaturatingRoundingDoublingHighMul."""
    return (a * b + (1 << 30)) >> 31


def _halved(x: Array, times: Any) -> Array:
    """x / 2**times, halves away from zero: RoundingDivideByPOT for times of 1 and more."""
    return (x + (x >> 63) + (1 << (times - 1))) >> times


def _saturated(x: Array) -> Array:
    return np.clip(x, INT32_MIN, INT32_MAX)
