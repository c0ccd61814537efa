"""Products: the matrix product, and everything that can be brought to it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.tensor.arithmetic import multiply
from tinytorch.core.tensor.op import Op, op
from tinytorch.core.tensor.promotion import cast, common_dtype, tensors_only
from tinytorch.core.tensor.quiet import quiet
from tinytorch.core.tensor.shapes import unsqueeze

if TYPE_CHECKING:
    from tinytorch.core.tensor.tensor import Tensor
    from tinytorch.types import Array


def _fitting(name: str, a: Any, b: Any) -> tuple[Tensor, ...]:
    """Two tensors of one dtype whose sizes fit."""
    for operand in (a, b):
        if not isinstance(operand, Op.tensor_class):
            raise TypeError(f"{name}: expected a Tensor, got {type(operand).__name__}; make one with tinytorch.tensor")
    left, right = a.array.shape, b.array.shape
    if not left or not right:
        raise ValueError(f"{name}: expected vectors or matrices, got {left} @ {right}; multiply numbers with *")
    if left[-1] != right[max(len(right) - 2, 0)]:
        raise ValueError(f"{name}: inner dimensions differ, {left} @ {right}")
    if len(left) > 2 and len(right) > 2 and left[:-2] != right[:-2]:
        try:
            np.broadcast_shapes(left[:-2], right[:-2])
        except ValueError as error:
            raise ValueError(f"{name}: batch dimensions do not broadcast, {left} @ {right}") from error
    if a.array.dtype != b.array.dtype:
        dtype = common_dtype((a, b))
        a, b = cast(a, dtype), cast(b, dtype)
    return a, b


@op(prepare=_fitting)
def matmul(a: Array, b: Array) -> Array:
    """a @ b: (..., n, k) @ (..., k, m) -> (..., n, m); a vector is a row on the left, a column on the right."""
    if b.ndim == 2 and a.ndim > 2 and a.flags.c_contiguous:  # one large product instead of many small ones
        rows = a.reshape(math.prod(a.shape[:-1]), a.shape[-1])
        return quiet().run(np.matmul, rows, b).reshape(*a.shape[:-1], b.shape[-1])
    return quiet().run(np.matmul, a, b)


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices: (n, k) @ (k, m) -> (n, m)."""
    return _of_dims("mm", 2, input, mat2)


def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """The products of two batches of matrices: (batch, n, k) @ (batch, k, m) -> (batch, n, m)."""
    return _of_dims("bmm", 3, input, mat2)


def dot(input: Tensor, other: Tensor) -> Tensor:
    """The inner product of two vectors: (n,) @ (n,) -> ()."""
    return _of_dims("dot", 1, input, other)


def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """Every product of two vectors' elements: (n,), (m,) -> (n, m)."""
    tensors_only("outer", vec2)
    if input.ndim != 1 or vec2.ndim != 1:
        raise ValueError(f"outer: expected two vectors, got {input.shape} and {vec2.shape}")
    return multiply(unsqueeze(input, 1), vec2)


def _of_dims(name: str, ndim: int, a: Tensor, b: Tensor) -> Tensor:
    tensors_only(name, b)
    if a.ndim != ndim or b.ndim != ndim:
        raise ValueError(f"{name}: expected two tensors of {ndim} dimensions, got {a.shape} and {b.shape}")
    return matmul(a, b)
