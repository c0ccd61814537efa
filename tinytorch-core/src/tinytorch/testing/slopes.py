"""First and second derivatives of an op as numbers that two runs can be compared by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinytorch.core.autograd.engine import grad
from tinytorch.core.tensor.tensor import Tensor
from tinytorch.types import Array


def slopes(function: Callable[..., Any], arrays: Sequence[Array], order: int) -> list[Array]:
    """The gradients of a random weighting of the output and, of order 2, those of a random weighting of them."""
    first = _gradients(function, arrays, create_graph=False)[0]
    if order < 2:
        return first
    _, total, leaves = _gradients(function, arrays, create_graph=True)
    if total is None:
        return first
    second = grad(total, leaves, allow_unused=True)
    return first + [each.array for each in second if each is not None]


def _gradients(
    function: Callable[..., Any], arrays: Sequence[Array], *, create_graph: bool
) -> tuple[list[Array], Tensor | None, list[Tensor]]:
    """The gradients as arrays, a random weighting of them that can be differentiated again, and the leaves."""
    rng = np.random.default_rng(0)  # the same weights in every run
    leaves = [Tensor(array.copy()).requires_grad_() for array in arrays]
    out = function(*leaves)
    out = out[0] if isinstance(out, tuple) else out
    if not out.requires_grad:
        return [], None, leaves
    gradients = grad((out * _weights(rng, out)).sum(), leaves, create_graph=create_graph, allow_unused=True)
    found = [each for each in gradients if each is not None]
    total: Tensor | None = None
    for each in found if create_graph else ():
        if each.requires_grad:
            part = (each * _weights(rng, each)).sum()
            total = part if total is None else total + part
    return [each.array for each in found], total, leaves


def _weights(rng: np.random.Generator, like: Tensor) -> Tensor:
    return Tensor(np.asarray(rng.standard_normal(like.shape)).astype(like.dtype))
