"""Codes one by one: from floats and back, through tables, and added.

A code has 256 values, so that what is done to each of them alone is a table, made once: `int8_lookup` is any
activation, and any change of scale.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tinytorch.core.tensor import op
from tinytorch.core.tensor.promotion import floats_only
from tinytorch.core.tensor.quiet import quiet
from tinytorch_quant.integer.checks import int8_only, with_table
from tinytorch_quant.integer.fixed_point import (
    INT32_MAX,
    LEAST_SHIFT,
    clamped,
    multiply_double_rounding,
    quantize_multiplier,
)

if TYPE_CHECKING:
    from tinytorch.types import Array

Unit: TypeAlias = tuple[int, int, int]  # a zero point, a mantissa and a shift

CODES = np.arange(-128, 128)  # in the order of tables
ADD_SHIFT = 20  # bits that TFLite's Add keeps below the unit of its inputs


@op(prepare=floats_only)
def int8_quantize(x: Array, scale: float, zero_point: int) -> Array:
    """Numbers as codes: round(x / scale) + zero_point, halves to even, limited to int8; nan becomes -128."""
    codes = np.empty_like(x)
    quiet().run(np.multiply, x, x.dtype.type(1.0 / scale), codes)  # as PyTorch, which multiplies
    np.rint(codes, out=codes)
    codes += zero_point
    np.fmax(codes, -128, out=codes)  # fmax: nan has no code of its own
    return np.minimum(codes, 127, out=codes).astype(np.int8)


@op(prepare=int8_only)
def int8_dequantize(x: Array, scale: float, zero_point: int) -> Array:
    """The numbers that codes stand for: (x - zero_point) * scale, float32."""
    numbers = x.astype(np.float32)
    numbers -= zero_point
    numbers *= scale
    return numbers


def _with_codes(name: str, x: Any, table: Any) -> tuple[Any, ...]:
    return with_table(name, "int8", x, table)


@op(prepare=_with_codes)
def int8_lookup(x: Array, table: Array) -> Array:
    """table[x + 128]: what stands for each code, (256,) of int8."""
    return _looked_up(x, table)


def _addable(name: str, a: Any, b: Any, a_unit: Any, b_unit: Any, *rest: Any) -> tuple[Any, ...]:
    int8_only(name, a)
    int8_only(name, b)
    if a.shape != b.shape:
        raise ValueError(f"{name}: expected tensors of one shape, got {a.shape} and {b.shape}")
    for unit in (a_unit, b_unit):
        whole = type(unit) is tuple and [type(each) for each in unit] == [int, int, int]
        if not whole or not (-128 <= unit[0] < 128 and 0 <= unit[1] <= INT32_MAX and LEAST_SHIFT <= unit[2] <= 0):
            raise ValueError(f"{name}: expected units of a zero point, a mantissa and a shift of 0 or less, got {unit}")
    return a, b, a_unit, b_unit, *rest


@op(prepare=_addable)
def int8_add(
    a: Array, b: Array, a_unit: Unit, b_unit: Unit, mantissa: int, shift: int, zero_point: int, low: int, high: int
) -> Array:
    """a + b as codes: two int8 of one shape -> int8.

    The units say what a code counts (`add_constants`): (code - zero point) * 2**20, multiplied by a mantissa and
    2**(shift - 31), rounded twice. So is the sum of both, which is moved by the zero point and limited to low .. high.
    """
    sums = _looked_up(a, _counts(*a_unit))
    sums += _looked_up(b, _counts(*b_unit))
    return clamped(multiply_double_rounding(sums, mantissa, shift), zero_point, low, high)


def add_constants(a: tuple[float, int], b: tuple[float, int], output_scale: float) -> tuple[Unit, Unit, int, int]:
    """The units, mantissa and shift of `int8_add`, of (scale, zero point) twice and the scale of the output.

    As TFLite's Add (`kernels/add.cc`): what is counted is twice the larger scale / 2**20.
    """
    scales = [float(np.float32(scale)) for scale in (a[0], b[0], output_scale)]
    counted = 2.0 * max(scales[:2])
    multipliers = [quantize_multiplier(scale / counted) for scale in scales[:2]]
    a_unit, b_unit = ((zero, int(m), int(s)) for (m, s), (_, zero) in zip(multipliers, (a, b), strict=True))
    mantissa, shift = quantize_multiplier(counted / (2.0**ADD_SHIFT * scales[2]))
    return a_unit, b_unit, int(mantissa), int(shift)


@lru_cache(maxsize=256)
def _counts(zero_point: int, mantissa: int, shift: int) -> Array:
    """What every code counts, (256,) int32."""
    counts = multiply_double_rounding((CODES - zero_point) << ADD_SHIFT, mantissa, shift).astype(np.int32)
    counts.flags.writeable = False
    return counts


def _looked_up(x: Array, table: Array) -> Array:
    """table[x + 128], channels-last where x is."""
    return np.asarray(table[x.view(np.uint8) ^ np.uint8(128)])  # not a numpy scalar where x is 0-d
