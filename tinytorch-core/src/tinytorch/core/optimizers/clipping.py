"""Clipping: gradients kept from growing too large, in place."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.inplace import note_write
from tinytorch.core.tensor.numbers import real
from tinytorch.core.tensor.promotion import tensors_only


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """Scale all gradients together so that their common norm is at most max_norm; returns the norm before."""
    grads = _grads("clip_grad_norm_", parameters)
    largest, norm_type = (
        _limit("clip_grad_norm_", "max_norm", max_norm),
        real("clip_grad_norm_", "norm_type", norm_type),
    )
    norms = [float(np.linalg.norm(grad.array.reshape(-1).astype(np.float64), norm_type)) for grad in grads]
    total = float(np.linalg.norm(np.array(norms), norm_type)) if norms else 0.0
    if error_if_nonfinite and not math.isfinite(total):
        raise RuntimeError(f"clip_grad_norm_: the norm of the gradients is {total}")
    factor = largest / (total + 1e-6)
    if not factor >= 1.0:  # a nan norm makes every gradient nan, as in PyTorch
        for grad in grads:
            grad.array *= factor
            note_write(grad.array)
    return Tensor(np.array(total, np.float32))


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Limit every element of every gradient to [-clip_value, clip_value]."""
    largest = _limit("clip_grad_value_", "clip_value", clip_value)
    for grad in _grads("clip_grad_value_", parameters):
        np.clip(grad.array, -largest, largest, out=grad.array)
        note_write(grad.array)


def _limit(name: str, what: str, value: float) -> float:
    if not real(name, what, value) >= 0:
        raise ValueError(f"{name}: expected {what} of 0 or more, got {value}")
    return float(value)


def _grads(name: str, parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    params = (
        [parameters]
        if isinstance(parameters, Tensor)
        else list(parameters)
        if isinstance(parameters, Iterable)
        else [parameters]
    )
    for param in params:
        tensors_only(name, param)
    return [param.grad for param in params if param.grad is not None]
