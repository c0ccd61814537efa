"""Prompts: what people pass as tokens, as rows of equal length and a mask that says where tokens are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.numbers import whole

if TYPE_CHECKING:
    from tinytorch.types import Array

Tokens = Tensor | Sequence[int] | Sequence[Sequence[int]]


class Prompt(NamedTuple):
    """Rows of tokens, (batch, time), and where they are tokens, if not everywhere."""

    rows: Array
    real: Array | None

    def masked(self, mask: Array) -> Prompt:
        """The same with places left out besides those that are already."""
        real = mask if self.real is None else mask & self.real
        if not real.any(axis=1).all():
            raise ValueError("generate: expected at least one token in every row, got an attention_mask without")
        return Prompt(self.rows, None if real.all() else real)

    def last(self) -> Array | int:
        """The place of each row's last token."""
        time = self.rows.shape[1]
        return time - 1 if self.real is None else time - 1 - self.real[:, ::-1].argmax(axis=1)

    def with_room(self, count: int) -> Prompt:
        """The same with places for `count` new tokens."""
        rows = np.pad(self.rows, ((0, 0), (0, count)))
        return Prompt(
            rows, None if self.real is None else np.pad(self.real, ((0, 0), (0, count)), constant_values=True)
        )


def padded_left(tokens: Tokens, vocab_size: int) -> Prompt:
    """Rows of different lengths as rows of equal length whose first places may be empty."""
    rows = listed(tokens)
    longest = max(len(row) for row in rows)
    if not all(len(row) for row in rows):
        raise ValueError("generate: expected at least one token in every row, got none")
    for row in rows:
        if min(row) < 0 or max(row) >= vocab_size:
            wrong = min(row) if min(row) < 0 else max(row)
            raise IndexError(f"generate: token {wrong} is outside the vocabulary 0 ... {vocab_size - 1}")
    padding = np.array([longest - len(row) for row in rows])
    padded = np.array([[0] * (longest - len(row)) + row for row in rows], np.int64)
    return Prompt(padded, np.arange(longest) >= padding[:, None] if padding.any() else None)


def listed(tokens: Any) -> list[list[int]]:
    """Every row as plain integers."""
    plain = _plain(tokens)
    if not isinstance(plain, Iterable) or isinstance(plain, (str, bytes)):
        raise TypeError(f"generate: expected tokens as a list, got {type(plain).__name__}; encode text first")
    rows = [_plain(row) for row in plain]
    if not rows or not isinstance(rows[0], (list, tuple)):
        rows = [rows]
    try:
        return [[whole("generate", "a token", token) for token in row] for row in rows]
    except TypeError as error:
        raise TypeError(f"generate: expected tokens as integers or rows of them, got {tokens!r:.60}") from error


def _plain(tokens: Any) -> Any:
    """Tensors and arrays as lists."""
    return tokens.tolist() if isinstance(tokens, (Tensor, np.ndarray, np.generic)) else tokens
