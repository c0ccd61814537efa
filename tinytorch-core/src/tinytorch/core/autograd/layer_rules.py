"""The derivatives of chapters 2 to 4: activations, layers and losses.

Where a backward kernel is an op of its own, its rule is what second derivatives need; it is composed of plain ops.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from tinytorch.core.activations import functions as activations
from tinytorch.core.activations.erf import erf
from tinytorch.core.autograd.engine import vjp
from tinytorch.core.autograd.modes import is_grad_enabled
from tinytorch.core.layers import normalization, shaping
from tinytorch.core.layers.embedding import embedding, embedding_grad
from tinytorch.core.layers.linear import linear, linear_weight_grad
from tinytorch.core.losses import functions as losses
from tinytorch.core.tensor.arithmetic import divide, multiply, subtract
from tinytorch.core.tensor.comparison import greater
from tinytorch.core.tensor.elementwise import exp, log, sigmoid, sqrt
from tinytorch.core.tensor.indexing import pick
from tinytorch.core.tensor.products import matmul
from tinytorch.core.tensor.reductions import reduce_sum
from tinytorch.core.tensor.selection import clamp, select

if TYPE_CHECKING:
    from tinytorch.core.tensor import Tensor
    from tinytorch.types import Shape

    Gradients = tuple[Tensor | None, ...]
    Saved = tuple[None, Tensor, Tensor]


# Activations


@erf.rule
def erf_rule(grad: Tensor, _out: None, x: Tensor) -> Tensor:
    return multiply(grad, multiply(exp(multiply(multiply(x, x), -1.0)), 2.0 / math.sqrt(math.pi)))


@activations.relu.rule
def relu_rule(grad: Tensor, out: Tensor, _x: None) -> Tensor:
    return activations.relu_grad(grad, out)


@activations.relu_grad.rule
def relu_grad_rule(grad: Tensor, _out: None, _grad_out: None, out: Tensor) -> Gradients:
    return activations.relu_grad(grad, out), None


@activations.silu.rule
def silu_rule(grad: Tensor, _out: None, x: Tensor) -> Tensor:
    return activations.silu_grad(grad, x)


@activations.silu_grad.rule
def silu_grad_rule(grad: Tensor, _out: None, grad_out: Tensor, x: Tensor) -> Gradients:
    s = sigmoid(x)
    curvature = s * (1.0 - s) * (2.0 + x * (1.0 - 2.0 * s))
    return activations.silu_grad(grad, x), grad * grad_out * curvature


@activations.gelu.rule
def gelu_rule(grad: Tensor, _out: None, x: Tensor, approximate: str) -> Tensor:
    return activations.gelu_grad(grad, x, approximate)


@activations.gelu_grad.rule
def gelu_grad_rule(grad: Tensor, _out: None, grad_out: Tensor, x: Tensor, approximate: str) -> Gradients:
    curvature = _gelu_curvature(x) if approximate == "none" else _tanh_gelu_curvature(x)
    return activations.gelu_grad(grad, x, approximate), grad * grad_out * curvature


def _gelu_curvature(x: Tensor) -> Tensor:
    return exp(x * x * -0.5) * (2.0 - x * x) * (1.0 / math.sqrt(2.0 * math.pi))


def _tanh_gelu_curvature(x: Tensor) -> Tensor:
    root, cubic = activations.ROOT, activations.CUBIC
    bent = (root * (x + cubic * x * x * x)).tanh()
    slope = root * (1.0 + 3.0 * cubic * x * x)
    return (1.0 - bent * bent) * (slope + 0.5 * x * (6.0 * root * cubic * x - 2.0 * bent * slope * slope))


@activations.softplus.rule
def softplus_rule(grad: Tensor, _out: None, x: Tensor, beta: float, threshold: float) -> Tensor:
    scaled = multiply(x, beta)
    return multiply(grad, select(greater(scaled, threshold), 1.0, sigmoid(scaled)))


@activations.softmax.rule
def softmax_rule(grad: Tensor, out: Tensor, _x: None, axis: int) -> Tensor:
    return activations.softmax_grad(grad, out, axis)


@activations.softmax_grad.rule
def softmax_grad_rule(grad: Tensor, _out: None, grad_out: Tensor, out: Tensor, axis: int) -> Gradients:
    overlap = (grad * out).sum(axis, keepdim=True)
    shared = (grad_out * out).sum(axis, keepdim=True)
    return activations.softmax_grad(grad, out, axis), grad * (grad_out - shared) - grad_out * overlap


@activations.log_softmax.rule
def log_softmax_rule(grad: Tensor, out: Tensor, _x: None, axis: int) -> Tensor:
    return activations.log_softmax_grad(grad, out, axis)


@activations.log_softmax_grad.rule
def log_softmax_grad_rule(grad: Tensor, _out: None, grad_out: Tensor, out: Tensor, axis: int) -> Gradients:
    weights = exp(out)
    overlap = (grad * weights).sum(axis, keepdim=True)
    return grad - overlap, grad * weights * grad_out.sum(axis, keepdim=True) * -1.0


# Layers


@linear.rule
def linear_rule(
    grad: Tensor, _out: None, x_for_weight: Tensor | None, weight_for_x: Tensor | None, bias: Tensor | None
) -> Gradients:
    return (
        None if weight_for_x is None else matmul(grad, weight_for_x),
        None if x_for_weight is None else linear_weight_grad(grad, x_for_weight),
        reduce_sum(grad, tuple(range(grad.ndim - 1)), False) if bias is not None and bias.requires_grad else None,
    )


@linear_weight_grad.rule
def linear_weight_grad_rule(
    grad: Tensor, _out: None, grad_out_for_x: Tensor | None, x_for_grad: Tensor | None
) -> Gradients:
    return (
        None if x_for_grad is None else linear(x_for_grad, grad, None),
        None if grad_out_for_x is None else matmul(grad_out_for_x, grad),
    )


@shaping.dropout.rule
def dropout_rule(grad: Tensor, _out: None, _x: None, mask: Tensor, scale: float) -> Gradients:
    return shaping.dropout(grad, mask, scale), None


@embedding.rule
def embedding_rule(grad: Tensor, _out: None, weight_shape: Shape, indices: Tensor) -> Gradients:
    return embedding_grad(grad, indices, weight_shape), None


@embedding_grad.rule
def embedding_grad_rule(grad: Tensor, _out: None, _grad_out: None, indices: Tensor, _shape: None) -> Gradients:
    return embedding(grad, indices), None


@normalization.layer_norm.rule
def layer_norm_rule(
    grad: Tensor, saved: Saved, x: Tensor, weight: Tensor | None, bias: Tensor | None, ndim: int, eps: float
) -> Gradients:
    _, mean, rstd = saved
    by_input = normalization.layer_norm_grad(grad, x, weight, mean, rstd, ndim) if x.requires_grad else None
    by_weight = None
    if weight is not None and weight.requires_grad:
        by_weight = multiply(
            grad, _normalized(x, mean, rstd, lambda: normalization.layer_norm(x, None, None, ndim, eps))
        )
    return by_input, by_weight, None if bias is None else grad


@normalization.layer_norm_grad.rule
def layer_norm_grad_rule(
    grad: Tensor, _out: None, grad_out: Tensor, x: Tensor, weight: Tensor | None, mean: Tensor, rstd: Tensor, ndim: int
) -> Gradients:
    dims = tuple(range(x.ndim - ndim, x.ndim))
    return _normalized_grad_rule(grad, grad_out, x, weight, mean, rstd, dims, x.shape[x.ndim - ndim :])


@normalization.batch_norm.rule
def batch_norm_rule(
    grad: Tensor, saved: Saved, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
) -> Gradients:
    _, mean, rstd = saved
    by_input = normalization.batch_norm_grad(grad, x, weight, mean, rstd) if x.requires_grad else None
    dims = (0, *range(2, x.ndim))
    by_weight = None
    if weight is not None and weight.requires_grad:
        normalized = _normalized(x, mean, rstd, lambda: normalization.batch_norm(x, None, None, eps))
        by_weight = multiply(grad, normalized).sum(dims)
    return by_input, by_weight, grad.sum(dims) if bias is not None and bias.requires_grad else None


@normalization.batch_norm_grad.rule
def batch_norm_grad_rule(
    grad: Tensor, _out: None, grad_out: Tensor, x: Tensor, weight: Tensor | None, mean: Tensor, rstd: Tensor
) -> Gradients:
    channels = (-1, *[1] * (x.ndim - 2))
    return _normalized_grad_rule(grad, grad_out, x, weight, mean, rstd, (0, *range(2, x.ndim)), channels)


def _normalized(x: Tensor, mean: Tensor, rstd: Tensor, again: Callable[[], Tensor]) -> Tensor:
    """(x - mean) * rstd; made again where a second derivative may follow, since mean and rstd are functions of x."""
    if is_grad_enabled() and x.requires_grad:
        return again()[0]
    return multiply(subtract(x, mean), rstd)


def _normalized_grad_rule(
    grad: Tensor,
    grad_out: Tensor,
    x: Tensor,
    weight: Tensor | None,
    mean: Tensor,
    rstd: Tensor,
    dims: tuple[int, ...],
    weight_shape: tuple[int, ...],
) -> Gradients:
    """Of the backward of a normalization: mean and rstd are functions of x, so x is normalized anew, differentiably.

    The weight multiplies x in weight_shape.
    """
    eps = (1.0 / (rstd * rstd) - ((x - mean) * (x - mean)).mean(dims, keepdim=True)).detach()

    def composed(grad_out: Tensor, x: Tensor, weight: Tensor | None = None) -> Tensor:
        centred = x - x.mean(dims, keepdim=True)
        scale = divide(1.0, sqrt((centred * centred).mean(dims, keepdim=True) + eps))
        normalized = centred * scale
        weighted = grad_out if weight is None else grad_out * weight.reshape(weight_shape)
        shared = (weighted * normalized).mean(dims, keepdim=True)
        return scale * (weighted - weighted.mean(dims, keepdim=True) - normalized * shared)

    inputs = (grad_out, x) if weight is None else (grad_out, x, weight)
    parts = vjp(composed, inputs, grad)
    return parts[0], parts[1], parts[2] if len(parts) > 2 else None


# Losses


@losses.cross_entropy.rule
def cross_entropy_rule(grad: Tensor, saved: tuple[None, Tensor], scores: Tensor, target: Tensor) -> Gradients:
    return losses.cross_entropy_grad(grad, scores, target, saved[1]), None


@losses.cross_entropy_grad.rule
def cross_entropy_grad_rule(
    grad: Tensor, _out: None, grad_out: Tensor, scores: Tensor, target: Tensor, _log_sums: None
) -> Gradients:
    weights = activations.softmax(scores, 1)  # anew, as a function of the scores, which log_sums is too
    weighted = grad * weights
    overlap = weighted.sum(1, keepdim=True)
    rows = np.arange(target.shape[0])
    by_grad = overlap.squeeze(1) - pick(grad, (rows, target.array))
    return by_grad, (weighted - weights * overlap) * grad_out.unsqueeze(1)


@losses.binary_cross_entropy_each.rule
def binary_cross_entropy_rule(grad: Tensor, _out: None, probability: Tensor, target: Tensor) -> Gradients:
    """The slope at probabilities 0 and 1 is large, not infinite, as in PyTorch."""
    spread = clamp(multiply(subtract(1.0, probability), probability), min=1e-12)
    by_probability = multiply(grad, divide(subtract(probability, target), spread))
    if not target.requires_grad:
        return by_probability, None
    return by_probability, multiply(grad, subtract(log(subtract(1.0, probability)), log(probability)))
