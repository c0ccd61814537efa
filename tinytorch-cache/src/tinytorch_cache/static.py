"""StaticCache: every key and value in its place, in memory that is allocated once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.numbers import real, whole
from tinytorch.core.transformers import LanguageModel, causal_mask
from tinytorch_cache.kvcache import KVCache

if TYPE_CHECKING:
    from tinytorch.types import Array


class StaticCache(KVCache):
    """Room for `max_length` places of every row; one more is an error, or with `growth` so many times the room.

    Without max_length it is as long as the model can look at.
    """

    buffers = ("buffer",)

    def __init__(
        self, model: LanguageModel, batch: int = 1, max_length: int | None = None, growth: float | None = None
    ) -> None:
        super().__init__(model, batch)
        self.max_length = whole(self.name, "max_length", model.max_length if max_length is None else max_length, 1)
        self.growth = None if growth is None else real(self.name, "growth", growth)
        if self.growth is not None and not 1.0 < self.growth < math.inf:
            raise ValueError(f"{self.name}: expected a finite growth above 1, got {growth}")
        self.buffer = self._zeros(self.max_length, self.shape.width)
        self._hold()

    def update(self, key: Tensor, value: Tensor, layer: int) -> tuple[Tensor, Tensor]:
        """Write in place: two views of the buffer come back."""
        keys, values, start, end = self._keys[layer], self._values[layer], self.length, self._end
        keys[:, :, start:end] = key.array
        values[:, :, start:end] = value.array
        if layer == self._last:
            self.length = end
        return Tensor(keys[:, :, :end]), Tensor(values[:, :, :end])

    def _make_room(self, length: int) -> None:
        if length <= self.max_length:
            return
        if self.growth is None:
            raise ValueError(
                f"{self.name}: full, {length} places are more than its {self.max_length}; "
                "make it longer or with growth, or crop it"
            )
        old, self.max_length = self.buffer, max(length, int(self.max_length * self.growth))
        self.buffer = self._zeros(self.max_length, self.shape.width)
        self.buffer[..., : self.length, :] = old[..., : self.length, :]
        self._hold()

    def _sight(self, time: int, attention_mask: Array | None) -> Array | None:
        return causal_mask(time, self.length, attention_mask)
