"""The derivatives of chapters 2 to 4: activations, layers and losses.

Where a backward kernel is an op of its own, its rule is what second derivatives need; it is composed of plain ops.
"""

from __future__ import annotations

import math
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
from tinytorch.core.tensor.elementwise import exp, log, rsqrt, sigmoid
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
def gelu_rule(grad: Tensor, saved: tuple[None, Tensor], x: Tensor, approximate: str) -> Tensor:
    return activations.gelu_grad(grad, x, saved[1], approximate)


@activations.gelu_grad.rule
def gelu_grad_rule(grad: Tensor, _out: None, grad_out: Tensor, x: Tensor, share: Tensor, approximate: str) -> Gradients:
    """The share is a function of x, and part of its curvature."""
    curvature = _gelu_curvature(x) if approximate == "none" else _tanh_gelu_curvature(x)
    return activations.gelu_grad(grad, x, share, approximate), grad * grad_out * curvature, None


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
    grad: Tensor, saved: Saved, x: Tensor, weight: Tensor | None, _bias: None, ndim: int, eps: float
) -> Gradients:
    """From the fused op, or through the formula where a second derivative may follow; so batch_norm's, too."""
    if not is_grad_enabled():
        return (*normalization.layer_norm_grad(grad, x, weight, *saved[1:], ndim),)
    dims = tuple(range(x.ndim - ndim, x.ndim))
    return *_through_formula(grad, x, weight, dims, x.shape[x.ndim - ndim :], eps), grad


@normalization.batch_norm.rule
def batch_norm_rule(grad: Tensor, saved: Saved, x: Tensor, weight: Tensor | None, _bias: None, eps: float) -> Gradients:
    if not is_grad_enabled():
        return (*normalization.batch_norm_grad(grad, x, weight, *saved[1:]),)
    dims = (0, *range(2, x.ndim))
    return *_through_formula(grad, x, weight, dims, (-1, *[1] * (x.ndim - 2)), eps), grad.sum(dims)


@normalization.batch_norm_inference.rule
def batch_norm_inference_rule(
    grad: Tensor,
    _out: None,
    x: Tensor,
    mean: Tensor,
    variance: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
) -> Gradients:
    """Through x * scale + shift; what has no gradient costs only as much as a channel has numbers."""
    dims, channels = (0, *range(2, x.ndim)), (-1, *[1] * (x.ndim - 2))
    rstd = rsqrt(variance + eps)
    scale = rstd if weight is None else rstd * weight
    by_x = grad * scale.reshape(channels)
    if not any(each is not None and each.requires_grad for each in (mean, variance, weight, bias)):
        return by_x, None, None, None, None
    by_bias = grad.sum(dims)
    by_scale = (grad * x).sum(dims) - by_bias * mean
    by_variance = by_scale * scale * rstd * rstd * -0.5
    return by_x, by_bias * scale * -1.0, by_variance, None if weight is None else by_scale * rstd, by_bias


def _through_formula(
    grad: Tensor, x: Tensor, weight: Tensor | None, dims: tuple[int, ...], weight_shape: tuple[int, ...], eps: float
) -> Gradients:
    """The gradients of x and weight, which multiplies in weight_shape, from a normalization written out with ops."""

    def normalized(x: Tensor, weight: Tensor | None = None) -> Tensor:
        centred = x - x.mean(dims, keepdim=True)
        out = centred * rsqrt((centred * centred).mean(dims, keepdim=True) + eps)
        return out if weight is None else out * weight.reshape(weight_shape)

    by_x, *by_weight = vjp(normalized, (x,) if weight is None else (x, weight), grad)
    return by_x, by_weight[0] if by_weight else None


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
