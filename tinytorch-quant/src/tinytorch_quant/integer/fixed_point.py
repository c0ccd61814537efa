"""Fixed point: multiplying whole numbers by a real one without floats, so that every machine gives the same bits.

An int32 sum stands for sum * s_in * s_w; as a code of the next layer it is sum * (s_in * s_w / s_out). That real
number is kept as `mantissa * 2**(shift - 31)` with 31 bits of mantissa (Jacob et al. 2018, section 2.2), and the
product is rounded once or twice: gemmlowp, and with it TFLite's convolutions, rounds after the multiplication and again
after the shift. The names are TFLite's (`kernels/internal/common.h`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tinytorch.types import Array

INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1
LEAST_SHIFT, LARGEST_SHIFT = -31, 30


def quantize_multiplier(real: Any) -> tuple[Array, Array]:
    """The mantissas (int32, in [2**30, 2**31), or 0) and shifts (int8) of positive numbers or 0, which are below 2**30.

    What is below 2**-32 becomes 0. Raises ValueError for others.
    """
    numbers = np.asarray(real, np.float64)
    if not ((numbers >= 0.0) & (numbers < 2.0**LARGEST_SHIFT)).all():  # not: nan is in no range
        raise ValueError(f"quantize_multiplier: expected numbers from 0 to 2**{LARGEST_SHIFT}, got {real}")
    fraction, shift = np.frexp(numbers)  # fraction in [0.5, 1), or 0
    mantissa = np.floor(fraction * 2.0**31 + 0.5).astype(np.int64)  # exact: fraction has 53 bits, no more than 22 go
    carried = mantissa == 1 << 31
    mantissa, shift = np.where(carried, 1 << 30, mantissa), shift + carried
    vanishing = shift < LEAST_SHIFT
    return (
        np.where(vanishing, 0, mantissa).astype(np.int32),
        np.where(vanishing, 0, shift).astype(np.int8),
    )


def multiply_double_rounding(x: Array, mantissa: Any, shift: Any) -> Array:
    """int32 numbers times mantissa * 2**(shift - 31), rounded twice: a new int64 array whose numbers fit into int32.

    First x * mantissa / 2**31, halves upwards, then, where the shift is negative, that / 2**-shift, halves away from
    zero: `RoundingDivideByPOT(SaturatingRoundingDoublingHighMul(x, mantissa), -shift)`. A positive shift comes first
    and saturates at the limits of int32, where C++ has no answer.
    """
    shift = np.asarray(shift, np.int64)
    product = x.astype(np.int64)
    if (shift > 0).any():
        product <<= np.maximum(shift, 0)
        np.clip(product, INT32_MIN, INT32_MAX, out=product)
    product *= mantissa
    product += 1 << 30
    product >>= 31
    right = np.maximum(-shift, 0)
    if right.any():
        away = product >> 63  # -1 for negative numbers: their halves go down
        away += (1 << right) >> 1
        product += away if right.all() else np.where(right == 0, 0, away)
        product >>= right
    return product


def multiply_single_rounding(x: Array, mantissa: Any, shift: Any) -> Array:
    """int32 numbers times mantissa * 2**(shift - 31), rounded once, halves upwards: a new int64 array."""
    down = 31 - np.asarray(shift, np.int64)  # 1 to 62
    product = x.astype(np.int64)
    product *= mantissa
    product += np.left_shift(1, down - 1)
    product >>= down
    return product


def clamped(x: Array, zero_point: int, low: int, high: int) -> Array:
    """Whole numbers as int8 codes: the zero point added, limited to low .. high; x is written."""
    x += zero_point
    return np.clip(x, low, high, out=x).astype(np.int8)
