"""Choosing between numbers without a branch for each of them.

`np.where` takes a branch for each element, which a processor guesses wrong half the time; multiplying by the mask makes
nan of 0 * inf. Floats are bits, and bits can be masked: ten times faster than the one, exact unlike the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tinytorch.types import Array


INTEGERS = {size: np.dtype(f"i{size}") for size in (1, 2, 4, 8)}  # by bytes: as wide as the floats that are masked


def masked(condition: Array, x: Array) -> Array:
    """x where the condition holds, 0 elsewhere; of one shape. Whatever x is there, nan and inf too."""
    bits, whole = _bits(condition, x), INTEGERS[x.itemsize]
    bits &= x.view(whole)
    return bits.view(x.dtype)


def chosen(condition: Array, a: Array, b: Array) -> Array:
    """a where the condition holds, b elsewhere: floats of one dtype, of the condition's shape or 0-d."""
    bits, whole = _bits(condition, a), INTEGERS[a.itemsize]
    bits &= a.view(whole) ^ b.view(whole)
    bits ^= b.view(whole)
    return bits.view(a.dtype)


def _bits(condition: Array, x: Array) -> Array:
    """All bits set where the condition holds, none elsewhere, as wide as x: True is 1, -1 is all ones."""
    return np.negative(condition.view(INTEGERS[1])).astype(INTEGERS[x.itemsize])
