"""KVCache: what all caches of this plugin share.

A cache belongs to one model and a number of rows. A pass of the model begins with `begin`, which refuses what does not
fit while nothing has been changed; each layer calls `update`; the last one makes the new tokens count. So a pass that
fails half-way leaves the cache as it was.
"""

from __future__ import annotations

import abc
import copy
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.numbers import whole
from tinytorch.core.transformers import KVShape, LanguageModel

if TYPE_CHECKING:
    from tinytorch.types import Array, DType


def kv_bytes(model: LanguageModel, batch: int, tokens: int) -> int:
    """Bytes that keys and values of so many tokens take: 2 · layers · key heads · width · tokens · batch · itemsize."""
    layers, heads, width, dtype = shape_of("kv_bytes", model)
    return 2 * layers * heads * width * tokens * batch * dtype.itemsize


def shape_of(name: str, model: Any) -> KVShape:
    """The model's kv_shape; raises for what has none."""
    shape = model.kv_shape if isinstance(model, LanguageModel) else None
    if shape is None:
        raise TypeError(f"{name}: expected a language model that tells its kv_shape, got {type(model).__name__}")
    return shape


class KVCache(abc.ABC):
    """Keys and values of `batch` rows; subclasses say how they are kept."""

    buffers: tuple[str, ...]  # names of the arrays that hold them; rows are their third dimension

    def __init__(self, model: LanguageModel, batch: int = 1) -> None:
        self.name = type(self).__name__
        self.shape = shape_of(self.name, model)
        self.batch = whole(self.name, "batch", batch, least=1)
        self.length = 0
        self._model = weakref.ref(model)
        self._end, self._last = 0, self.shape.layers - 1

    @property
    def dtype(self) -> DType:
        """The number type of the keys and values that attention sees."""
        return self.shape.dtype

    @property
    def nbytes(self) -> int:
        """Bytes of all its arrays."""
        return sum(getattr(self, name).nbytes for name in self.buffers)

    def begin(self, model: LanguageModel, tokens: Array, attention_mask: Array | None) -> Array | None:
        """Make ready for new tokens of every row, and say which keys they see (see the core's `Cache`)."""
        batch, time = tokens.shape
        if model is not self._model():
            raise ValueError(f"{self.name}: it was made for another model; a model's keys mean nothing to others")
        if model.kv_shape != self.shape:
            raise ValueError(f"{self.name}: it was made for keys of {self.dtype}, the model's are {model.kv_shape} now")
        if batch != self.batch:
            raise ValueError(f"{self.name}: it holds {self.batch} rows, got a batch of {batch}")
        self._make_room(self.length + time)
        mask = self._sight(time, attention_mask)
        self._end = self.length + time
        return mask

    @abc.abstractmethod
    def update(self, key: Tensor, value: Tensor, layer: int) -> tuple[Tensor, Tensor]:
        """Keep new keys and values (batch, key heads, time, width) -> all that the layer's queries look at."""

    @abc.abstractmethod
    def _make_room(self, length: int) -> None:
        """Make sure that so many places fit; raises where they do not."""

    @abc.abstractmethod
    def _sight(self, time: int, attention_mask: Array | None) -> Array | None:
        """Which keys the next `time` tokens see, of those that `update` will give."""

    def crop(self, length: int) -> None:
        """Forget all places from `length` on, as if they had not passed."""
        if not 0 <= whole(self.name, "length", length) <= self.length:
            raise ValueError(f"{self.name}: crop to {length} places, it holds {self.length}")
        self._crop(length)

    def _crop(self, length: int) -> None:
        """What lies beyond the length is never looked at."""
        self.length = length

    def reset(self) -> None:
        """Forget everything; the memory is kept."""
        self.crop(0)

    def reorder(self, rows: Sequence[int]) -> None:
        """Let row i go on from row rows[i], as beams do; an attention mask is reordered by whoever holds it."""
        order = [whole(self.name, "a row", row) for row in rows]
        if len(order) != self.batch or not all(0 <= row < self.batch for row in order):
            raise ValueError(f"{self.name}: expected {self.batch} rows of 0 ... {self.batch - 1}, got {order}")
        for name in self.buffers:
            buffer = getattr(self, name)
            buffer[...] = buffer[:, :, order]

    def clone(self) -> Self:
        """Copy it; the two go on apart."""
        new = copy.copy(self)
        for name in self.buffers:
            setattr(new, name, getattr(self, name).copy())
        new._hold()  # noqa: SLF001  its own kind
        return new

    def _hold(self) -> None:
        """Make the views that `update` works with: each layer's keys, and its values."""
        buffer = getattr(self, self.buffers[0])
        self._keys, self._values = list(buffer[0]), list(buffer[1])

    def _zeros(self, *sizes: int, dtype: Any = None) -> Array:
        """A buffer (2, layers, batch, key heads, *sizes)."""
        layers, heads = self.shape.layers, self.shape.heads
        return np.zeros((2, layers, self.batch, heads, *sizes), self.dtype if dtype is None else dtype)

    def __repr__(self) -> str:
        return f"{self.name}({self.batch} × {self.length} places, {self.dtype}, {self.nbytes:,} bytes)"
