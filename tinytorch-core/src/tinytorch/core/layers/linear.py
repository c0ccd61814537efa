"""Linear: every output is a weighted sum of every input."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.layers import init
from tinytorch.core.module import Module, Parameter
from tinytorch.core.tensor import Tensor, op
from tinytorch.core.tensor.creation import empty
from tinytorch.core.tensor.numbers import whole
from tinytorch.core.tensor.promotion import tensors_only

if TYPE_CHECKING:
    from tinytorch.types import Array


def _fitting(name: str, x: Any, weight: Any, bias: Any) -> tuple[Any, ...]:
    for each in (x, weight):
        if not isinstance(each, Tensor):
            tensors_only(name, each)
    into, out_of = x.array.shape, weight.array.shape
    if len(out_of) != 2 or not into or into[-1] != out_of[1]:
        raise ValueError(f"{name}: input {x.shape} does not fit a weight of (out, in) = {weight.shape}")
    if bias is not None and tensors_only(name, bias)[0].array.shape != out_of[:1]:
        raise ValueError(f"{name}: expected a bias of shape {weight.shape[:1]}, got {bias.shape}")
    if x.array.dtype != weight.array.dtype or (bias is not None and bias.array.dtype != weight.array.dtype):
        raise TypeError(f"{name}: input is {x.dtype}, weight {weight.dtype}; convert one with .to(dtype)")
    return x, weight, bias


@op(prepare=_fitting)
def linear(x: Array, weight: Array, bias: Array | None) -> Array:
    """x @ weight.T + bias: (..., in), (out, in), (out,) -> (..., out)."""
    rows = x if x.ndim == 2 else x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
    out = np.matmul(rows, weight.T)
    if bias is not None:
        out += bias
    return out if x.ndim == 2 else out.reshape(*x.shape[:-1], weight.shape[0])


@op
def linear_weight_grad(grad: Array, x: Array) -> Array:
    """The weight's gradient, grad.T @ x over all rows: (..., out), (..., in) -> (out, in)."""
    rows = math.prod(x.shape[:-1])
    return np.matmul(grad.reshape(rows, grad.shape[-1]).T, x.reshape(rows, x.shape[-1]))


def linear_of(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input @ weight.T + bias: (..., in), (out, in), (out,) -> (..., out)."""
    return linear(input, weight, bias)


class Linear(Module):
    """y = x @ weight.T + bias, with PyTorch's initial distribution: uniform within 1 / sqrt(in_features)."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        self.in_features = whole("Linear", "in_features", in_features, least=0)
        self.out_features = whole("Linear", "out_features", out_features, least=0)
        self.weight = Parameter(empty(out_features, in_features))
        self.register_parameter("bias", Parameter(empty(out_features)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5.0))
        if self.bias is not None:
            bound = 1.0 / math.sqrt(self.in_features) if self.in_features else 0.0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        """(..., in_features) -> (..., out_features)."""
        return linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Return the options, as `repr` shows them."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"
