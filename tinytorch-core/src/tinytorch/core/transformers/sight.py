"""Sight: where the tokens of a pass stand, and which keys each of them sees.

It is worked out once for all blocks. Tokens that passed before are in a cache, if there is one; places that hold no
token are told by an attention mask, and nothing sees them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.promotion import tensors_only

if TYPE_CHECKING:
    from tinytorch.core.transformers.generation import LanguageModel
    from tinytorch.types import Array, DType, Shape


class KVShape(NamedTuple):
    """What a model keeps of a token: in each layer, a key and a value for each key head."""

    layers: int
    heads: int
    width: int
    dtype: DType


class Cache(Protocol):
    """What keeps keys and values while text is generated; the plugin 'cache' brings some, the core none."""

    @property
    def length(self) -> int:
        """Places of every row, tokens and padding, that have passed through all layers: the past length."""

    def begin(self, model: LanguageModel, tokens: Array, attention_mask: Array | None) -> Array | None:
        """Make ready for new tokens (batch, time): which keys each sees, (batch or 1, 1, time, keys); None is causal.

        attention_mask is (batch, length + time), True for a token. Raises where they do not fit; nothing has changed.
        """

    def update(self, key: Tensor, value: Tensor, layer: int) -> tuple[Tensor, Tensor]:
        """Keep new keys and values (batch, key heads, time, width) of a layer -> all that its queries look at."""


class Sight(NamedTuple):
    """Where the tokens of a pass stand, and which keys each of them sees."""

    positions: Tensor  # (time,), or (batch, time) where places are empty: how many tokens stand before
    mask: Tensor | None  # (batch or 1, 1, time, keys), True where a key is seen
    causal: bool  # or no mask: keys no later than the query
    cache: Cache | None = None
    turns: tuple[Tensor, Tensor] | None = None  # of rotary positions, if a model makes them once for all blocks


def sight(
    model: LanguageModel, tokens: Tensor, attention_mask: Tensor | Array | None = None, cache: Cache | None = None
) -> Sight:
    """What (batch, time) tokens after those in the cache see; raises where they are not as the model takes them."""
    past, name = 0 if cache is None else cache.length, type(model).__name__
    if tensors_only(name, tokens)[0].ndim != 2 or tokens.array.shape[1] > model.max_length - past:
        raise ValueError(
            f"{name}: expected (batch, at most {model.max_length - past}) tokens, got shape {tokens.shape}"
        )
    batch, time = tokens.array.shape
    real = None if attention_mask is None else checked_mask(name, attention_mask, (batch, past + time))
    mask = causal_mask(time, past, real) if cache is None else cache.begin(model, tokens.array, real)
    if real is None:
        positions = np.arange(past, past + time)
    else:
        before = np.count_nonzero(real[:, :past], axis=1)[:, None]
        positions = np.maximum(before + np.cumsum(real[:, past:], axis=1) - 1, 0)  # of no token: any
    return Sight(Tensor(positions), None if mask is None else Tensor(mask), mask is None and time > 1, cache)


def causal_mask(time: int, past: int, attention_mask: Array | None) -> Array | None:
    """Which of past + time keys each of `time` tokens sees: those no later that are tokens; None where `causal` does.

    (batch, past + time) -> (batch or 1, 1, time, past + time), bool.
    """
    if time == 1:
        return None if attention_mask is None else attention_mask[:, None, None]
    if attention_mask is None and not past:
        return None
    seen: Array = np.arange(past + time) <= np.arange(past, past + time)[:, None]
    return seen[None, None] if attention_mask is None else seen & attention_mask[:, None, None]


def checked_mask(name: str, mask: Any, shape: Shape) -> Array:
    """A mask of ones and zeros as one of bool."""
    array: Array = mask.array if isinstance(mask, Tensor) else np.asarray(mask)
    if array.shape != shape:
        raise ValueError(f"{name}: expected an attention_mask of shape {shape}, got {array.shape}")
    if array.dtype.kind == "b":
        return array
    if not np.isin(array, (0, 1)).all():
        raise ValueError(f"{name}: expected an attention_mask of ones and zeros, got others")
    return array.astype(bool)
