"""Clipping: gradients kept from growing too large, in place."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.inplace import note_write

if TYPE_CHECKING:
    from collections.abc import Iterable


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """Scale all gradients together so that their common norm is at most max_norm; returns the norm before."""
    grads = _grads(parameters)
    norms = [float(np.linalg.norm(grad.array.reshape(-1).astype(np.float64), norm_type)) for grad in grads]
    total = float(np.linalg.norm(np.array(norms), norm_type)) if norms else 0.0
    if error_if_nonfinite and not math.isfinite(total):
        raise RuntimeError(f"clip_grad_norm_: the norm of the gradients is {total}")
    factor = max_norm / (total + 1e-6)
    if not factor >= 1.0:  # a nan norm makes every gradient nan, as in PyTorch
        for grad in grads:
            grad.array *= factor
            note_write(grad.array)
    return Tensor(np.array(total, np.float32))


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Limit every element of every gradient to [-clip_value, clip_value]."""
    for grad in _grads(parameters):
        np.clip(grad.array, -clip_value, clip_value, out=grad.array)
        note_write(grad.array)


def _grads(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    params = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    return [param.grad for param in params if param.grad is not None]
