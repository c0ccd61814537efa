"""Working through large arrays piece by piece, so that what is read again is still in the cache."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinytorch.types import Array

PIECE = 1 << 16  # numbers: a few arrays of them fit into a level-2 cache


def in_pieces(*arrays: Array) -> Iterator[list[Array]]:
    """Pieces of arrays of one shape, side by side; all at once where they are small or do not lie in a row."""
    if arrays[0].size <= PIECE or not all(array.flags.c_contiguous for array in arrays):
        yield list(arrays)
        return
    flat = [array.reshape(-1) for array in arrays]
    for start in range(0, flat[0].size, PIECE):
        yield [array[start : start + PIECE] for array in flat]
