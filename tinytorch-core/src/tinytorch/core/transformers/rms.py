"""Root mean square normalization: layer norm without its mean (Zhang & Sennrich 2019)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.autograd import is_grad_enabled
from tinytorch.core.autograd.engine import vjp
from tinytorch.core.layers.normalization import check_fit, for_each_row, in_rows, like, mean_squares, row_means
from tinytorch.core.module import Module, Parameter
from tinytorch.core.tensor import Tensor, op
from tinytorch.core.tensor.arithmetic import multiply
from tinytorch.core.tensor.axes import shape_of
from tinytorch.core.tensor.creation import ones
from tinytorch.core.tensor.elementwise import rsqrt
from tinytorch.core.tensor.numbers import real
from tinytorch.core.tensor.promotion import floats_only
from tinytorch.core.tensor.quiet import quiet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinytorch.types import Array

    Gradients = tuple[Tensor | None, ...]


def _of_one_shape(name: str, x: Any, weight: Any, ndim: int, eps: float) -> tuple[Any, ...]:
    floats_only(name, x)
    check_fit(name, x, x.shape[x.ndim - ndim :], weight=weight)
    return x, weight, ndim, eps


@op(prepare=_of_one_shape)
def rms_norm(x: Array, weight: Array | None, ndim: int, eps: float) -> tuple[Array, Array]:
    """weight * x / rms, rms the root of the mean square over the last `ndim` dimensions -> (out, 1 / rms)."""
    return quiet().run(_rms_norm, x, weight, ndim, eps)


def _rms_norm(x: Array, weight: Array | None, ndim: int, eps: float) -> tuple[Array, Array]:
    rows = in_rows(x, ndim)
    rrms = 1.0 / np.sqrt(mean_squares(rows) + rows.dtype.type(eps))
    out = rows * rrms
    if weight is not None:
        out *= in_rows(weight, ndim)
    return like(out, x), for_each_row(rrms, x, ndim)


@op
def rms_norm_grad(grad: Array, x: Array, weight: Array | None, rrms: Array, ndim: int) -> tuple[Array, Array]:
    """The gradients of x and weight; rrms is rms_norm's second output."""
    return quiet().run(_rms_norm_grad, grad, x, weight, rrms, ndim)


def _rms_norm_grad(grad: Array, x: Array, weight: Array | None, rrms: Array, ndim: int) -> tuple[Array, Array]:
    """Of x: rrms * (g - normalized * mean(g * normalized)), g = grad * weight."""
    arrived, scale = in_rows(grad, ndim), in_rows(rrms, ndim)
    factors = np.ones_like(arrived, shape=arrived.shape[1]) if weight is None else in_rows(weight, ndim)[0]
    normalized = in_rows(x, ndim) * scale
    products = arrived * normalized
    by_weight = np.ones_like(arrived, shape=len(arrived)) @ products
    normalized *= row_means(products, factors)
    by_x = np.multiply(arrived, factors, out=products)
    by_x -= normalized
    by_x *= scale
    return like(by_x, x), by_weight.astype(x.dtype).reshape(x.shape[x.ndim - ndim :])


@rms_norm.rule
def rms_norm_rule(
    grad: Tensor, saved: tuple[None, Tensor], x: Tensor, weight: Tensor | None, ndim: int, eps: float
) -> Gradients:
    """From the fused op, or through the formula where a second derivative may follow."""
    if not is_grad_enabled():
        return (*rms_norm_grad(grad, x, weight, saved[1], ndim),)
    inputs = (x,) if weight is None else (x, weight)
    return vjp(lambda x, weight=None: _normalized(x, weight, ndim, eps), inputs, grad)


def _normalized(x: Tensor, weight: Tensor | None, ndim: int, eps: float) -> Tensor:
    """The op `rms_norm`, written out: its first output."""
    mean_square = multiply(x, x).mean(tuple(range(x.ndim - ndim, x.ndim)), keepdim=True)
    out = multiply(x, rsqrt(mean_square + eps))
    return out if weight is None else multiply(out, weight)


def rms_normalized(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """input / rms * weight over the last dimensions, which must be `normalized_shape`; eps None is the dtype's."""
    floats_only("rms_norm", input)
    shape = shape_of("rms_norm", (normalized_shape,))
    if not shape or input.shape[-len(shape) :] != shape:
        raise ValueError(f"rms_norm: input {input.shape} does not end in {shape}")
    least = float(np.finfo(input.dtype).eps) if eps is None else real("rms_norm", "eps", eps)
    return rms_norm(input, weight, len(shape), least)[0]


class RMSNorm(Module):
    """Divide by the root of the mean square over the last dimensions, of shape normalized_shape, and scale."""

    def __init__(
        self, normalized_shape: int | Sequence[int], eps: float | None = None, elementwise_affine: bool = True
    ) -> None:
        super().__init__()
        self.normalized_shape = shape_of("RMSNorm", (normalized_shape,))
        if any(n < 0 for n in self.normalized_shape):
            raise ValueError(f"RMSNorm: expected sizes of 0 or more, got {self.normalized_shape}")
        self.eps = None if eps is None else real("RMSNorm", "eps", eps)
        self.register_parameter("weight", Parameter(ones(self.normalized_shape)) if elementwise_affine else None)

    def forward(self, input: Tensor) -> Tensor:
        """(..., *normalized_shape) -> the same."""
        return rms_normalized(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """Return the options, as `repr` shows them."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.weight is not None}"
