"""The derivatives of products."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinytorch.core.tensor.products import matmul

if TYPE_CHECKING:
    from tinytorch.core.tensor.tensor import Tensor

    Gradients = tuple[Tensor | None, ...]


@matmul.rule
def matmul_rule(grad: Tensor, _out: None, a: Tensor, b: Tensor) -> Gradients:
    left = a if a.ndim > 1 else a.unsqueeze(0)
    right = b if b.ndim > 1 else b.unsqueeze(1)
    grad = grad if a.ndim > 1 else grad.unsqueeze(-1 if b.ndim == 1 else -2)
    grad = grad if b.ndim > 1 else grad.unsqueeze(-1)
    by_left = matmul(grad, right.mT) if a.requires_grad else None
    if right.ndim == 2 and left.ndim > 2:  # one product over all rows instead of a sum of products
        left, grad = left.flatten(0, -2), grad.flatten(0, -2)
    by_right = matmul(left.mT, grad) if b.requires_grad else None
    return (
        by_left if a.ndim > 1 or by_left is None else by_left.sum(tuple(range(by_left.ndim - 1))),
        by_right if b.ndim > 1 or by_right is None else by_right.squeeze(-1),
    )
