"""Sequences: vectors looked up, turned by their positions and joined."""

from __future__ import annotations

from tinytorch.plugins import answered_by, exact, hookimpl
from tinytorch.types import Array, Arrays, Shape
from tinytorch_accel.compiled import NEAR, kernels


@hookimpl
@exact
@answered_by(kernels.embedding)
def embedding(weight: Array, indices: Array) -> Array | None:
    """The rows of a table."""


@hookimpl
@NEAR
@answered_by(kernels.embedding_grad)
def embedding_grad(grad: Array, indices: Array, shape: Shape) -> Array | None:
    """Each vector's gradient added to its row, without sorting."""


@hookimpl
@NEAR
@answered_by(kernels.rotary)
def rotary(x: Array, cos: Array, sin: Array, interleaved: bool) -> Array | None:
    """Each pair turned, in one pass, wherever the vectors lie."""


@hookimpl
@exact
@answered_by(kernels.concatenate)
def concatenate(tensors: Arrays, dim: int) -> Array | None:
    """One behind the other."""
