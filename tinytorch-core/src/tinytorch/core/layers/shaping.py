"""Layers that learn nothing: Identity, Flatten, Unflatten, Dropout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.module import Module
from tinytorch.core.tensor import Tensor, op
from tinytorch.core.tensor.axes import shape_of
from tinytorch.core.tensor.numbers import real
from tinytorch.core.tensor.promotion import tensors_only
from tinytorch.core.tensor.random import stream
from tinytorch.core.tensor.shapes import flatten, unflatten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinytorch.types import Array


@op(prepare=tensors_only)
def dropout(x: Array, mask: Array, scale: float) -> Array:
    """x * scale where the mask is True, 0 elsewhere; the core draws the mask, so that every plugin drops the same."""
    return np.multiply(x, mask * x.dtype.type(scale))


def dropped_out(input: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """Zero each element with probability p and scale the others by 1 / (1 - p), in training."""
    tensors_only("dropout", input)
    _check_probability("dropout", p)
    if not training or p == 0.0:
        return input
    kept = stream(None).random(input.shape, dtype=np.float32) >= p
    return dropout(input, Tensor(np.asarray(kept)), 1.0 / (1.0 - p) if p < 1.0 else 0.0)


def _check_probability(name: str, p: float) -> None:
    if not 0.0 <= real(name, "p", p) <= 1.0:
        raise ValueError(f"{name}: expected a probability from 0 to 1, got {p}")


class Dropout(Module):
    """Zero each element with probability p, in training mode."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        _check_probability("Dropout", p)
        self.p = p

    def forward(self, input: Tensor) -> Tensor:
        """(...) -> (...)."""
        return dropped_out(input, self.p) if self.training else input

    def extra_repr(self) -> str:
        """Return the options, as `repr` shows them."""
        return f"p={self.p}"


class Identity(Module):
    """What comes in goes out; takes any arguments, as a placeholder for any layer."""

    def __init__(self, *_args: Any, **_options: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        """(...) -> (...)."""
        return input


class Flatten(Module):
    """Merge the dimensions from start_dim to end_dim."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Tensor) -> Tensor:
        """(batch, ...) -> (batch, features)."""
        tensors_only("Flatten", input)
        return flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """Return the options, as `repr` shows them."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Split one dimension into several."""

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        super().__init__()
        self.dim, self.unflattened_size = dim, shape_of("Unflatten", (unflattened_size,))

    def forward(self, input: Tensor) -> Tensor:
        """(..., n, ...) -> (..., *unflattened_size, ...)."""
        tensors_only("Unflatten", input)
        return unflatten(input, self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        """Return the options, as `repr` shows them."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
