"""Rounding: numbers as codes of 8 or 4 bits, with a smallest number and a step for each group.

A group spans the axis that is reduced. Codes are unsigned, so that all of them are used whatever the sign of the
numbers; two of 4 bits share a byte.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tinytorch.types import Array


def encode(numbers: Array, axis: int, bits: int) -> tuple[Array, Array, Array]:
    """Codes (..., width) or, of 4 bits, (..., width / 2), and each group's least number and step."""
    least = numbers.min(axis=axis, keepdims=True)
    step = (numbers.max(axis=axis, keepdims=True) - least) / float(2**bits - 1)
    step[step == 0.0] = 1.0  # all numbers of the group are alike
    codes = np.rint((numbers - least) / step).astype(np.uint8)
    return (_paired(codes) if bits == 4 else codes), least, step


def decode(codes: Array, least: Array, step: Array, bits: int, out: Array) -> Array:
    """The numbers that codes stand for, written to `out` (..., width)."""
    if bits == 4:
        half = out.shape[-1] // 2
        np.bitwise_and(codes, 15, out=out[..., :half], casting="unsafe")
        np.right_shift(codes, 4, out=out[..., half:], casting="unsafe")
        np.multiply(out, step, out=out)
    else:
        np.multiply(codes, step, out=out)
    out += least
    return out


def _paired(codes: Array) -> Array:
    """Two codes of 4 bits in each byte: the first half of a vector below, the second above."""
    half = codes.shape[-1] // 2
    return codes[..., :half] | codes[..., half:] << 4
