"""SlidingWindowCache: the last keys, and the first ones, which hold attention in place (Xiao et al. 2023).

A token sees the `window` last tokens, itself among them, and the first `sinks` of its row. Memory and time for a token
stay the same however long the text gets; what is beyond is forgotten, so that texts differ from those without.
Positions stay those of the text, unlike the paper's: the same as a mask would do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.numbers import whole
from tinytorch.core.transformers import LanguageModel
from tinytorch_cache.kvcache import KVCache

if TYPE_CHECKING:
    from tinytorch.types import Array


class SlidingWindowCache(KVCache):
    """Room for `sinks` first and `window` last tokens of every row: the latter take turns in their places."""

    buffers = ("buffer",)

    def __init__(self, model: LanguageModel, batch: int = 1, window: int = 256, sinks: int = 4) -> None:
        super().__init__(model, batch)
        self.window, self.sinks = whole(self.name, "window", window, least=1), whole(self.name, "sinks", sinks, least=0)
        self.places = self.sinks + self.window
        self.buffer = self._zeros(self.places, self.shape.width)
        self.counts = np.zeros(self.batch, np.int64)  # tokens of each row, without padding; replaced, never written
        self._new_counts = self.counts
        self._reached = 0  # tokens that have taken slots, those of a pass that failed half-way too
        self._slot: int | None = None  # of the one new token, where all rows are alike
        self._chosen: tuple[Array, Array, Array] | None = None  # rows, times and slots of new tokens to keep
        self._pending: list[tuple[Array, Array]] = []
        self._hold()

    def update(self, key: Tensor, value: Tensor, layer: int) -> tuple[Tensor, Tensor]:
        """One token takes its slot where all rows are alike; else old and new stand side by side."""
        keys, values = self._keys[layer], self._values[layer]
        if self._slot is not None:
            self._reached = self._end
            keys[:, :, self._slot], values[:, :, self._slot] = key.array[:, :, 0], value.array[:, :, 0]
            filled = min(self._end, self.places)
            seen = keys[:, :, :filled], values[:, :, :filled]
        else:
            self._pending.append((key.array, value.array))
            seen = key.array, value.array
            if self.length:
                seen = np.concatenate([keys, seen[0]], axis=2), np.concatenate([values, seen[1]], axis=2)
        if layer == self._last:
            self._sort_in()
            self.length, self.counts = self._end, self._new_counts
        return Tensor(seen[0]), Tensor(seen[1])

    def _sort_in(self) -> None:
        """Write what is kept of a pass, once all its layers have seen what was there before."""
        if self._chosen is not None:
            rows, times, slots = self._chosen
            for keys, values, new in zip(self._keys, self._values, self._pending, strict=True):
                keys[rows, :, slots], values[rows, :, slots] = (each[rows, :, times] for each in new)
        self._pending, self._reached = [], self._end

    def _make_room(self, length: int) -> None:
        """There is always room."""

    def _sight(self, time: int, attention_mask: Array | None) -> Array | None:
        if attention_mask is None and (self.counts != self.length).any():
            raise ValueError(f"{self.name}: its rows are padded; pass the attention_mask of past and new places")
        self._pending, self._chosen, self._slot = [], None, None
        if time == 1 and attention_mask is None:
            self._slot, self._new_counts = int(self._slots(np.array(self.length))), self.counts + 1
            return None
        real = np.ones((self.batch, time), bool) if attention_mask is None else attention_mask[:, self.length :]
        positions = np.where(real, self.counts[:, None] + np.cumsum(real, axis=1) - 1, -1)  # -1: no token
        self._new_counts = self.counts + real.sum(axis=1)
        last = positions >= self._new_counts[:, None] - self.window
        rows, times = np.nonzero(real & (last | (positions < self.sinks)))
        self._chosen = rows, times, self._slots(positions[rows, times])
        known = np.concatenate([self._held_positions(), positions], axis=1) if self.length else positions
        return _visible(positions[:, :, None], known[:, None], self.window, self.sinks)[:, None]

    def _slots(self, positions: Array) -> Array:
        """Where tokens of these positions are kept."""
        return np.where(positions < self.places, positions, self.sinks + (positions - self.sinks) % self.window)

    def _held_positions(self) -> Array:
        """The position of the token in each slot, -1 for none: (batch, places)."""
        slots, counts = np.arange(self.places), self.counts[:, None]
        rounds = np.where(slots < self.sinks, 0, (counts - 1 - slots) // self.window)
        return np.where(slots < counts, slots + rounds * self.window, -1)

    def _crop(self, length: int) -> None:
        if length == self.length:
            return
        if length and (self._reached > self.places or (self.counts != self.length).any()):
            raise ValueError(
                f"{self.name}: crop to {length} places, but tokens have left the window or rows are padded"
            )
        self.length = self._reached = length
        self.counts = np.full(self.batch, length)

    def reorder(self, rows: Sequence[int]) -> None:
        """Let row i go on from row rows[i], as beams do."""
        super().reorder(rows)
        self.counts = self.counts[list(rows)]


def _visible(queries: Array, keys: Array, window: int, sinks: int) -> Array:
    """Whether a token of one position sees that of another: not later, and near, or one of the first."""
    near = (queries - keys < window) | (keys < sinks)
    return np.asarray((keys >= 0) & (keys <= queries) & near)
