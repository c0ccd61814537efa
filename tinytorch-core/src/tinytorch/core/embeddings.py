"""Chapter 11, embeddings: tokens and positions as vectors.

A token's vector is a row of a table (`Embedding`, of the chapter layers). Where it stands can be added to it, as waves
of many lengths or as a learned vector, or can turn queries and keys, so that only distances count (rotary embeddings).
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.layers import Embedding
from tinytorch.core.module import Module
from tinytorch.core.tensor import Tensor, op
from tinytorch.core.tensor.numbers import real, whole
from tinytorch.core.tensor.promotion import floats_only, tensors_only

if TYPE_CHECKING:
    from tinytorch.types import Array, DType

__all__ = ["Embedding", "LearnedPositions", "RotaryEmbedding", "SinusoidalPositions", "rotate"]


def _turnable(name: str, x: Any, cos: Any, sin: Any, interleaved: bool) -> tuple[Any, ...]:
    for each in (x, cos, sin):
        floats_only(name, each)
    if not x.ndim or x.shape[-1] % 2 or cos.shape != sin.shape or cos.shape[-1:] != (x.shape[-1] // 2,):
        raise ValueError(
            f"{name}: expected vectors of an even width and half as many angles, "
            f"got {x.shape}, cos {cos.shape}, sin {sin.shape}"
        )
    pairs = (*x.shape[:-1], x.shape[-1] // 2)
    if cos.ndim > x.ndim or any(n not in (1, m) for n, m in zip(cos.shape[::-1], pairs[::-1], strict=False)):
        raise ValueError(f"{name}: angles of shape {cos.shape} do not broadcast to {pairs}")
    if not x.dtype == cos.dtype == sin.dtype:
        raise TypeError(f"{name}: input is {x.dtype}, cos {cos.dtype}, sin {sin.dtype}; convert them with .to(dtype)")
    return x, cos, sin, interleaved


@op(prepare=_turnable)
def rotary(x: Array, cos: Array, sin: Array, interleaved: bool) -> Array:
    """Each pair of numbers turned by its angle (Su et al. 2021, equation 34): (..., width), angles (..., width / 2).

    Pairs are neighbours if interleaved (the paper, llama2.c), else a number of the first half and its like in the
    second (GPT-NeoX, Hugging Face). The angles broadcast to x, not x to them.
    """
    out = np.empty_like(x)
    half = x.shape[-1] // 2
    first, second = (slice(0, None, 2), slice(1, None, 2)) if interleaved else (slice(half), slice(half, None))
    a, b = x[..., first], x[..., second]
    out[..., first] = a * cos - b * sin
    out[..., second] = a * sin + b * cos
    return out


@rotary.rule
def rotary_rule(
    grad: Tensor, _out: None, _x: None, cos: Tensor, sin: Tensor, interleaved: bool
) -> tuple[Tensor | None, ...]:
    return rotary(grad, cos, -sin, interleaved), None, None  # turned back; the angles are not learned


def rotate(input: Tensor, positions: Tensor, base: float = 10000.0, interleaved: bool = False) -> Tensor:
    """Turn vectors by their positions: (batch, heads, time, width), (time,) or (batch, time) integers -> the same.

    Pair i turns by position / base ** (2 i / width).
    """
    name = "rotate"
    floats_only(name, input)
    numbers = _checked_positions(name, positions)
    if input.ndim < 2 or input.shape[-1] % 2 or not input.shape[-1]:
        raise ValueError(f"{name}: expected (..., time, an even width above 0), got shape {input.shape}")
    fits = numbers.shape == input.shape[-2:-1] or (
        input.ndim == 4 and numbers.shape == (input.shape[0], input.shape[2])
    )
    if not fits:
        raise ValueError(f"{name}: positions {numbers.shape} do not fit vectors of shape {input.shape}")
    return rotary(input, *_turns(numbers, input.shape[-1], _positive(name, base), input.dtype), bool(interleaved))


def _turns(numbers: Array, width: int, base: float, dtype: DType) -> tuple[Tensor, Tensor]:
    """Cosines and sines of all pairs: (time,) or (batch, time) -> (time, width / 2) or (batch, 1, time, width / 2)."""
    angles = numbers[..., None] * _frequencies(width, base)
    angles = angles if numbers.ndim == 1 else angles[:, None]  # all heads of a sequence
    return Tensor(np.cos(angles).astype(dtype)), Tensor(np.sin(angles).astype(dtype))


class RotaryEmbedding(Module):
    """Turn queries and keys by their positions, so that their products depend on distances alone (Su et al. 2021)."""

    def __init__(self, dim: int, base: float = 10000.0, interleaved: bool = False) -> None:
        super().__init__()
        self.dim, self.base = whole("RotaryEmbedding", "dim", dim, least=2), _positive("RotaryEmbedding", base)
        if self.dim % 2:
            raise ValueError(f"RotaryEmbedding: expected an even dim, got {dim}")
        self.interleaved = bool(interleaved)

    def forward(self, input: Tensor, positions: Tensor) -> Tensor:
        """(batch, heads, time, dim), positions (time,) or (batch, time) -> the same shape."""
        return rotate(input, positions, self.base, self.interleaved)

    def turns(self, positions: Tensor, dtype: DType) -> tuple[Tensor, Tensor]:
        """The cosines and sines that these positions turn by, for `turn`: all layers have the same."""
        return _turns(_checked_positions("RotaryEmbedding", positions), self.dim, self.base, dtype)

    def turn(self, input: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
        """(batch, heads, time, dim) -> the same shape."""
        return rotary(input, *turns, self.interleaved)

    def extra_repr(self) -> str:
        """Return the options, as `repr` shows them."""
        return f"{self.dim}, base={self.base}, interleaved={self.interleaved}"


class SinusoidalPositions(Module):
    """Positions as sines and cosines of wave lengths from 2 pi to base * 2 pi (Vaswani et al. 2017, section 3.5)."""

    def __init__(self, embedding_dim: int, base: float = 10000.0) -> None:
        super().__init__()
        name = "SinusoidalPositions"
        self.embedding_dim, self.base = whole(name, "embedding_dim", embedding_dim, least=2), _positive(name, base)
        if self.embedding_dim % 2:
            raise ValueError(f"{name}: expected an even embedding_dim, got {embedding_dim}")

    def forward(self, positions: Tensor) -> Tensor:
        """(...) integers -> (..., embedding_dim): sin and cos take turns."""
        numbers = _checked_positions("SinusoidalPositions", positions)
        angles = numbers[..., None] * _frequencies(self.embedding_dim, self.base)
        waves = np.stack([np.sin(angles), np.cos(angles)], axis=-1)
        return Tensor(waves.reshape(*numbers.shape, self.embedding_dim).astype(np.float32))

    def extra_repr(self) -> str:
        """Return the options, as `repr` shows them."""
        return f"{self.embedding_dim}, base={self.base}"


class LearnedPositions(Embedding):
    """A learned vector for each position from 0 to max_length - 1."""

    def __init__(self, max_length: int, embedding_dim: int) -> None:
        super().__init__(max_length, embedding_dim)

    def forward(self, input: Tensor) -> Tensor:
        """(...) integers -> (..., embedding_dim)."""
        numbers = _checked_positions("LearnedPositions", input)
        if numbers.size and numbers.max() >= self.num_embeddings:
            raise IndexError(
                f"LearnedPositions: position {numbers.max()} is beyond the {self.num_embeddings} that were learned"
            )
        return super().forward(input)


def _positive(name: str, base: Any) -> float:
    if not 0.0 < real(name, "base", base) < math.inf:
        raise ValueError(f"{name}: expected a finite base above 0, got {base}")
    return float(base)


@functools.lru_cache(maxsize=32)
def _frequencies(width: int, base: float) -> Array:
    """Radians per position of each pair, in float64: base ** (-2 i / width)."""
    return np.exp(np.arange(0, width, 2) * (-math.log(base) / width))


def _checked_positions(name: str, positions: Any) -> Array:
    numbers: Array = tensors_only(name, positions)[0].array
    if numbers.dtype.kind not in "iu":
        raise TypeError(f"{name}: expected integer positions, got {positions.dtype}")
    if numbers.size and numbers.min() < 0:
        raise ValueError(f"{name}: expected positions of 0 or more, got {numbers.min()}")
    return numbers
