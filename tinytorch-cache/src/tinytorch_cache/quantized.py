"""QuantizedCache: old keys and values as 8 or 4 bits, the latest as they are.

Keys are rounded for each channel over a block of tokens, since their channels differ in size; values for each token
over its channels (Liu et al. 2024, KIVI). The latest tokens, which matter most, wait in full precision until a block of
them is older than `residual`. Attention sees numbers: those of one layer at a time are made anew in a place that all
layers share. That takes time; what is saved is memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.numbers import whole
from tinytorch.core.transformers import LanguageModel, causal_mask
from tinytorch_cache.kvcache import KVCache
from tinytorch_cache.rounding import decode, encode

if TYPE_CHECKING:
    from tinytorch.types import Array

OVER_TOKENS, OVER_CHANNELS = -2, -1  # what a group of keys spans, and one of values


class LayerError(NamedTuple):
    """What rounding has changed in a layer: root mean squares as shares of the numbers', and the largest distances."""

    layer: int
    key_rms: float
    value_rms: float
    key_max: float
    value_max: float


class QuantizedCache(KVCache):
    """Room for `max_length` places: blocks of `block` tokens in `bits` bits, and the last `residual` in full."""

    buffers = ("latest", "codes", "key_scales", "value_scales", "whole")

    def __init__(
        self,
        model: LanguageModel,
        batch: int = 1,
        max_length: int | None = None,
        bits: int = 8,
        block: int = 32,
        residual: int = 64,
    ) -> None:
        super().__init__(model, batch)
        self.max_length = whole(self.name, "max_length", model.max_length if max_length is None else max_length, 1)
        self.block, self.residual = whole(self.name, "block", block, 1), whole(self.name, "residual", residual, 0)
        if bits not in (4, 8):
            raise ValueError(f"{self.name}: expected 4 or 8 bits, got {bits}")
        width = self.shape.width
        if bits == 4 and width % 2:
            raise ValueError(f"{self.name}: 4 bits need heads of an even width, got {width}")
        self.bits, self.blocks = bits, 0  # blocks that are rounded
        count = max(0, self.max_length - self.residual) // self.block
        self.latest = self._zeros(self.residual + self.block, width)
        self.codes = self._zeros(count, self.block, width * bits // 8, dtype=np.uint8)
        self.key_scales = self._zeros(count, 1, width)  # least numbers, and steps
        self.value_scales = self._zeros(count, self.block, 1)
        self.whole = np.zeros((2, 1, self.batch, self.shape.heads, self.max_length, width), self.dtype)
        self._sums = np.zeros((2, self.shape.layers, 3))  # of squared errors, of squares, and the largest error
        self._pending: list[tuple[Array, Array]] = []

    @property
    def rounded(self) -> int:
        """Places of every row that are kept in few bits."""
        return self.blocks * self.block

    @property
    def stored_bytes(self) -> int:
        """Bytes that the places in it take now: codes, scales and the latest in full precision."""
        each = sum(getattr(self, name)[:, :, :, :, : self.blocks].nbytes for name in self.buffers[1:4])
        return each + self.latest[..., : self.length - self.rounded, :].nbytes

    def update(self, key: Tensor, value: Tensor, layer: int) -> tuple[Tensor, Tensor]:
        """Rounded blocks, the latest and the new side by side; the new ones are kept once all layers have passed."""
        self._pending.append((key.array, value.array))
        if self.length:
            seen = tuple(Tensor(self._made(half, layer, each.array)) for half, each in enumerate((key, value)))
        else:
            seen = key, value
        if layer == self._last:
            self._keep()
        return seen[0], seen[1]

    def error_report(self) -> list[LayerError]:
        """What rounding has changed since the cache was made or reset, layer by layer."""
        squares, all_squares, largest = np.moveaxis(self._sums, 2, 0)
        share = np.sqrt(squares / np.maximum(all_squares, np.finfo(float).tiny))
        return [
            LayerError(layer, *share[:, layer].tolist(), *largest[:, layer].tolist())
            for layer in range(self.shape.layers)
        ]

    def _made(self, half: int, layer: int, new: Array) -> Array:
        """All keys (half 0) or values (half 1) of a layer: (batch, heads, length + time, width)."""
        out = self.whole[half, 0]
        self._decoded(half, layer, slice(0, self.blocks), out[:, :, : self.rounded])
        out[:, :, self.rounded : self.length] = self.latest[half, layer, :, :, : self.length - self.rounded]
        out[:, :, self.length : self._end] = new
        return out[:, :, : self._end]

    def _decoded(self, half: int, layer: int, blocks: slice, out: Array) -> None:
        batch, heads, time, width = out.shape
        scales = (self.key_scales, self.value_scales)[half]
        groups = out.reshape(batch, heads, time // self.block, self.block, width)  # a view
        least, step = scales[0, layer, :, :, blocks], scales[1, layer, :, :, blocks]
        decode(self.codes[half, layer, :, :, blocks], least, step, self.bits, groups)

    def _keep(self) -> None:
        """Append what is new to the latest, and round the blocks that have become old."""
        old, count = self.length - self.rounded, max(0, self._end - self.rounded - self.residual) // self.block
        for layer, halves in enumerate(self._pending):
            for half, new in enumerate(halves):
                latest = self.latest[half, layer]
                if count:
                    numbers = np.concatenate([latest[:, :, :old], new], axis=2)
                    self._round(half, layer, numbers[:, :, : count * self.block])
                    rest = numbers[:, :, count * self.block :]
                    latest[:, :, : rest.shape[2]] = rest
                else:
                    latest[:, :, old : old + new.shape[2]] = new
        self.blocks, self.length, self._pending = self.blocks + count, self._end, []

    def _round(self, half: int, layer: int, numbers: Array) -> None:
        """Write whole blocks of (batch, heads, time, width) as codes, and note how far these are from the numbers."""
        batch, heads, time, width = numbers.shape
        blocks = slice(self.blocks, self.blocks + time // self.block)
        groups = numbers.reshape(batch, heads, -1, self.block, width)
        codes, least, step = encode(groups, OVER_CHANNELS if half else OVER_TOKENS, self.bits)
        scales = (self.key_scales, self.value_scales)[half]
        self.codes[half, layer, :, :, blocks] = codes
        scales[0, layer, :, :, blocks], scales[1, layer, :, :, blocks] = least, step
        errors = decode(codes, least, step, self.bits, np.empty_like(groups)) - groups
        seen, sums = np.square(groups).sum(dtype=float), self._sums.copy()  # replaced: clones may share it
        sums[half, layer, :2] += np.square(errors).sum(dtype=float), seen
        sums[half, layer, 2] = max(sums[half, layer, 2], np.abs(errors).max())
        self._sums = sums

    def _crop(self, length: int) -> None:
        if length < self.rounded:
            blocks, rest = divmod(length, self.block)
            if rest:  # the block that is cut goes back to the latest, as it was rounded
                for half in range(2):
                    for layer in range(self.shape.layers):
                        self._decoded(
                            half, layer, slice(blocks, blocks + 1), self.latest[half, layer, :, :, : self.block]
                        )
            self.blocks = blocks
        self.length = length
        if not length:
            self._sums = np.zeros_like(self._sums)

    def _make_room(self, length: int) -> None:
        if length > self.max_length:
            raise ValueError(
                f"{self.name}: full, {length} places are more than its {self.max_length}; make it longer, or crop it"
            )

    def _sight(self, time: int, attention_mask: Array | None) -> Array | None:
        self._pending = []
        return causal_mask(time, self.length, attention_mask)

    def _hold(self) -> None:
        """Nothing is held: layers are looked up as they come."""
