"""Embedding: a table of vectors, looked up by number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.layers import init
from tinytorch.core.module import Module, Parameter
from tinytorch.core.tensor import Tensor, op
from tinytorch.core.tensor.comparison import equal_to
from tinytorch.core.tensor.creation import empty
from tinytorch.core.tensor.inplace import note_write
from tinytorch.core.tensor.numbers import whole
from tinytorch.core.tensor.promotion import tensors_only
from tinytorch.core.tensor.selection import select

if TYPE_CHECKING:
    from tinytorch.types import Array, Shape


def _in_table(_name: str, weight: Any, indices: Any) -> tuple[Any, ...]:
    if tensors_only("embedding", weight)[0].ndim != 2:
        raise ValueError(f"embedding: expected a table of two dimensions, got shape {weight.shape}")
    if not isinstance(indices, Tensor):
        raise TypeError(f"embedding: expected an integer tensor of indices, got {type(indices).__name__}")
    check_rows(indices.array, weight.array)
    return weight, indices


def check_rows(indices: Array, table: Array) -> None:
    """Raise where an index is no whole number, or of no row of the table."""
    if indices.dtype.kind not in "iu":
        raise TypeError(f"embedding: expected an integer tensor of indices, got {indices.dtype}")
    if not indices.size:
        return
    least, most = (indices.item(),) * 2 if indices.size == 1 else (indices.min(), indices.max())
    if not 0 <= least <= most < len(table):
        raise IndexError(f"embedding: an index is outside the table's 0 ... {len(table) - 1}")


@op(prepare=_in_table)
def embedding(weight: Array, indices: Array) -> Array:
    """The rows of a table: (rows, width), (...) -> (..., width)."""
    return weight[indices]


@op
def embedding_grad(grad: Array, indices: Array, shape: Shape) -> Array:
    """Zeros of the table's shape, each looked-up vector's gradient added to its row: sorted, then summed in runs."""
    out = np.zeros_like(grad, shape=shape)
    order = np.argsort(indices, axis=None, kind="stable")
    if order.size:
        rows = indices.reshape(-1)[order]
        starts = np.flatnonzero(np.concatenate(([True], rows[1:] != rows[:-1])))
        out[rows[starts]] = np.add.reduceat(grad.reshape(-1, shape[1])[order], starts, axis=0)
    return out


def embedded(input: Tensor, weight: Tensor, padding_idx: int | None = None) -> Tensor:
    """The vectors of these numbers: (...), (rows, width) -> (..., width); the row padding_idx gets no gradient."""
    if padding_idx is None:
        return embedding(weight, input)
    _check_padding("embedding", padding_idx, tensors_only("embedding", weight)[0].shape[0])
    vectors = embedding(weight, input)
    padding = equal_to(input, padding_idx % weight.shape[0])
    if not padding.array.any():
        return vectors
    return select(padding.unsqueeze(-1).expand(vectors.shape), vectors.detach(), vectors)


def _check_padding(name: str, padding_idx: int, rows: int) -> None:
    if not -rows <= whole(name, "padding_idx", padding_idx) < rows:
        raise ValueError(f"{name}: padding_idx {padding_idx} is outside the table of {rows}")


class Embedding(Module):
    """A table of num_embeddings vectors, normal at first; padding_idx starts at zero and stays as it is."""

    def __init__(self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None) -> None:
        super().__init__()
        self.num_embeddings = whole("Embedding", "num_embeddings", num_embeddings, least=0)
        self.embedding_dim = whole("Embedding", "embedding_dim", embedding_dim, least=0)
        if padding_idx is not None:
            _check_padding("Embedding", padding_idx, num_embeddings)
        self.padding_idx = padding_idx
        self.weight = Parameter(empty(num_embeddings, embedding_dim))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the table anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            self.weight.array[self.padding_idx] = 0.0
            note_write(self.weight.array)

    def forward(self, input: Tensor) -> Tensor:
        """(...) integers -> (..., embedding_dim)."""
        return embedded(input, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        """Return the options, as `repr` shows them."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
