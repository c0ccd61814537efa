"""Codes one by one: from floats and back, through tables, and added.

A code has 256 values, so that what is done to each of them alone is a table, made once: `int8_lookup` is any
activation, and any change of scale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.tensor import op
from tinytorch.core.tensor.promotion import floats_only
from tinytorch.core.tensor.quiet import quiet
from tinytorch_quant.integer.checks import int8_only, with_table
from tinytorch_quant.integer.fixed_point import clamped, multiply_double_rounding, quantize_multiplier

if TYPE_CHECKING:
    from tinytorch.types import Array

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


def _addable(name: str, a: Any, b: Any, a_table: Any, b_table: Any, *rest: Any) -> tuple[Any, ...]:
    with_table(name, "int32", a, a_table)
    with_table(name, "int32", b, b_table)
    if a.shape != b.shape:
        raise ValueError(f"{name}: expected tensors of one shape, got {a.shape} and {b.shape}")
    return a, b, a_table, b_table, *rest


@op(prepare=_addable)
def int8_add(
    a: Array, b: Array, a_table: Array, b_table: Array, mantissa: int, shift: int, zero_point: int, low: int, high: int
) -> Array:
    """a + b as codes: two int8 of one shape -> int8.

    The tables, (256,) of int32, say what each code counts in a unit that both share (`add_constants`); their sum is
    multiplied by mantissa * 2**(shift - 31), rounded twice, moved by the zero point and limited to low .. high.
    """
    sums = _looked_up(a, a_table)
    sums += _looked_up(b, b_table)
    return clamped(multiply_double_rounding(sums, mantissa, shift), zero_point, low, high)


def add_constants(a: tuple[float, int], b: tuple[float, int], output_scale: float) -> dict[str, Any]:
    """The tables, mantissa and shift of `int8_add`, of (scale, zero point) twice and the scale of the output.

    As TFLite's Add (`kernels/add.cc`): the unit is twice the larger scale / 2**20.
    """
    scales = [float(np.float32(scale)) for scale in (a[0], b[0], output_scale)]
    unit = 2.0 * max(scales[:2])
    tables = []
    for scale, (_, zero_point) in zip(scales[:2], (a, b), strict=True):
        mantissa, shift = quantize_multiplier(scale / unit)
        counts = multiply_double_rounding((CODES - zero_point) << ADD_SHIFT, mantissa, shift)
        tables.append(counts.astype(np.int32))
    mantissa, shift = quantize_multiplier(unit / (2.0**ADD_SHIFT * scales[2]))
    return {"a_table": tables[0], "b_table": tables[1], "mantissa": int(mantissa), "shift": int(shift)}


def _looked_up(x: Array, table: Array) -> Array:
    """table[x + 128], channels-last where x is."""
    return np.asarray(table[x.view(np.uint8) ^ np.uint8(128)])  # not a numpy scalar where x is 0-d
