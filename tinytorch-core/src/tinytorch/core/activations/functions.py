"""Activations as functions; those worth a kernel of their own are ops, with their derivatives' kernels beside them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.activations.erf import error_function
from tinytorch.core.tensor import op
from tinytorch.core.tensor.arithmetic import add, divide, multiply
from tinytorch.core.tensor.axes import one_dim
from tinytorch.core.tensor.comparison import greater, greater_equal
from tinytorch.core.tensor.elementwise import expm1, negative, sigmoid
from tinytorch.core.tensor.inplace import write
from tinytorch.core.tensor.masks import masked
from tinytorch.core.tensor.numbers import real
from tinytorch.core.tensor.pieces import in_pieces
from tinytorch.core.tensor.promotion import floats_only, one, one_float, tensors_only
from tinytorch.core.tensor.quiet import quiet
from tinytorch.core.tensor.selection import clamp, select

if TYPE_CHECKING:
    from tinytorch.core.tensor import Tensor
    from tinytorch.types import Array


def _with_axis(name: str, x: Any, axis: Any) -> tuple[Any, ...]:
    (x,) = one_float(name, x)
    return x, one_dim(name, axis, x.ndim)


@op(prepare=one)
def relu(x: Array) -> Array:
    """x where it is positive, 0 elsewhere."""
    return np.maximum(x, 0)


@op
def relu_grad(grad: Array, out: Array) -> Array:
    """grad where relu gave something, nan included."""
    return masked(np.logical_not(out <= 0), grad)


@op(prepare=one_float)
def silu(x: Array) -> Array:
    """x * sigmoid(x)."""
    return x * sigmoid.kernel(x)


@op
def silu_grad(grad: Array, x: Array) -> Array:
    """grad * s * (1 + x * (1 - s)), s = sigmoid(x)."""
    share = sigmoid.kernel(x)
    slope = np.subtract(1.0, share)
    slope *= x
    slope += 1.0
    slope *= share
    slope *= grad
    return slope


def _known_form(name: str, x: Any, approximate: Any) -> tuple[Any, ...]:
    if approximate not in {"none", "tanh"}:
        raise ValueError(f"gelu: expected approximate 'none' or 'tanh', got {approximate!r}")
    return *one_float(name, x), approximate


@op(prepare=_known_form)
def gelu(x: Array, approximate: str) -> tuple[Array, Array]:
    """x * Phi(x), and Phi(x), the normal distribution; exact, or nearly, by tanh (Hendrycks & Gimpel 2016)."""
    out, shares = np.empty_like(x), np.empty_like(x)
    for numbers, piece, share in in_pieces(x, out, shares):
        quiet().run(_normal if approximate == "none" else _nearly_normal, numbers, share, piece)
    return out, shares


@op
def gelu_grad(grad: Array, x: Array, share: Array, approximate: str) -> Array:
    """grad * (Phi(x) + x * Phi'(x)); share is gelu's second output, Phi(x)."""
    out = np.empty_like(x)
    for arrived, numbers, part, piece in in_pieces(grad, x, share, out):
        if approximate == "none":
            quiet().run(_slope, numbers, part, piece)
        else:
            quiet().run(_near_slope, numbers, part, piece)
        quiet().run(np.multiply, piece, arrived, out=piece)
    return out


ROOT = math.sqrt(2.0 / math.pi)
CUBIC = 0.044715  # equation 2 of "Gaussian error linear units"
FAR = 1e4  # squared: there Phi is 0 or 1


def _normal(x: Array, share: Array, out: Array) -> None:
    np.add(error_function(x * math.sqrt(0.5)), 1.0, out=share)
    share *= 0.5
    np.multiply(x, share, out=out)


def _slope(x: Array, share: Array, out: Array) -> None:
    """Phi + x * exp(-x * x / 2) / sqrt(2 pi)."""
    np.multiply(x, x, out=out)
    out *= -0.5
    np.exp(out, out=out)
    out *= 1.0 / math.sqrt(2.0 * math.pi)
    out *= x
    out += share


def _nearly_normal(x: Array, share: Array, out: Array) -> None:
    """(1 + tanh(u)) / 2 for u = sqrt(2 / pi) * (x + 0.044715 * x ** 3); as 1 / (1 + exp(-2 u)), exp being faster."""
    np.multiply(x, x, out=share)
    share *= -2.0 * CUBIC * ROOT
    share -= 2.0 * ROOT
    share *= x
    np.exp(share, out=share)
    share += 1.0
    np.reciprocal(share, out=share)
    np.multiply(x, share, out=out)


def _near_slope(x: Array, share: Array, out: Array) -> None:
    """s * (1 + (1 - s) * x * 2 u'(x)), for s = 1 / (1 + exp(-2 u))."""
    np.multiply(x, x, out=out)
    if not out.max(initial=0.0) < FAR:
        np.minimum(out, FAR, out=out)  # infinity times 0 would be nan
    out *= 6.0 * CUBIC * ROOT
    out += 2.0 * ROOT
    out *= x
    out *= 1.0 - share
    out += 1.0
    out *= share


@op(prepare=_with_axis)
def softmax(x: Array, axis: int) -> Array:
    """Scores to probabilities along `axis`: (..., n) -> (..., n)."""
    largest = x.max(axis=axis, keepdims=True, initial=-np.inf)
    weights = np.subtract(x, largest, out=np.empty_like(x))  # shifted, so that exp cannot overflow
    np.exp(weights, out=weights)
    weights /= weights.sum(axis=axis, keepdims=True)
    return weights


@op
def softmax_grad(grad: Array, out: Array, axis: int) -> Array:
    """out * (grad - sum(grad * out))."""
    weighted = grad * out
    weighted -= out * weighted.sum(axis=axis, keepdims=True)
    return weighted


@op(prepare=_with_axis)
def log_softmax(x: Array, axis: int) -> Array:
    """Logarithms of the probabilities along `axis`: (..., n) -> (..., n)."""
    shifted = np.subtract(x, x.max(axis=axis, keepdims=True, initial=-np.inf), out=np.empty_like(x))
    shifted -= np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
    return shifted


@op
def log_softmax_grad(grad: Array, out: Array, axis: int) -> Array:
    """grad - softmax * sum(grad)."""
    weights = np.exp(out, out=np.empty_like(out))
    weights *= grad.sum(axis=axis, keepdims=True)
    return np.subtract(grad, weights, out=weights)


def relu_with_inplace(input: Tensor, inplace: bool = False) -> Tensor:
    """`relu`, or `relu_` if inplace."""
    return relu_(input) if inplace else relu(input)


def softmax_along(input: Tensor, dim: int = -1, *, dtype: Any = None, axis: int | None = None) -> Tensor:
    """Scores to probabilities along `dim`."""
    (x,) = tensors_only("softmax", input)
    return softmax(x if dtype is None else x.to(dtype), dim if axis is None else axis)


def log_softmax_along(input: Tensor, dim: int = -1, *, dtype: Any = None, axis: int | None = None) -> Tensor:
    """Logarithms of the probabilities along `dim`."""
    (x,) = tensors_only("log_softmax", input)
    return log_softmax(x if dtype is None else x.to(dtype), dim if axis is None else axis)


def gelu_of(input: Tensor, approximate: str = "none") -> Tensor:
    """x * Phi(x), exact or by tanh."""
    return gelu(input, approximate)[0]


def leaky_relu(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """x where it is positive, negative_slope * x elsewhere."""
    return select(
        greater(*tensors_only("leaky_relu", input, 0.0)),
        input,
        multiply(input, real("leaky_relu", "negative_slope", negative_slope)),
    )


def elu(input: Tensor, alpha: float = 1.0) -> Tensor:
    """x where it is positive, alpha * (exp(x) - 1) elsewhere."""
    tensors_only("elu", input)
    curve = multiply(
        expm1(clamp(input, max=0.0)), real("elu", "alpha", alpha)
    )  # clamped, so that no overflow can reach the gradient
    return select(greater(input, 0.0), input, curve)


def _numbers(name: str, x: Any, beta: Any, threshold: Any) -> tuple[Any, ...]:
    return *floats_only(name, x), real(name, "beta", beta), real(name, "threshold", threshold)


@op(prepare=_numbers)
def softplus(x: Array, beta: float, threshold: float) -> Array:
    """log(1 + exp(beta * x)) / beta; x itself where beta * x is above the threshold."""
    scaled = x * beta
    curve = np.log1p(np.exp(-np.abs(scaled)))  # of -|x|: exp cannot overflow
    curve += np.maximum(scaled, 0.0)
    curve /= beta
    return np.where(scaled > threshold, x, curve)


def softplus_of(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + exp(beta * x)) / beta; x itself where beta * x is above the threshold."""
    return softplus(input, beta, threshold)


def hardsigmoid(input: Tensor) -> Tensor:
    """relu6(x + 3) / 6: a sigmoid of straight lines."""
    return divide(relu6(add(*tensors_only("hardsigmoid", input, 3.0))), 6.0)


def hardswish(input: Tensor) -> Tensor:
    """x * hardsigmoid(x)."""
    return multiply(*tensors_only("hardswish", input, hardsigmoid(input)))


def relu6(input: Tensor) -> Tensor:
    """x, no lower than 0 and no higher than 6; the slope at both ends is 0, unlike clamp's."""
    return select(greater_equal(*tensors_only("relu6", input, 6.0)), 6.0, relu(input))


def logsigmoid(input: Tensor) -> Tensor:
    """log(sigmoid(x)), which cannot underflow: -softplus(-x)."""
    tensors_only("logsigmoid", input)
    return negative(softplus(negative(input), 1.0, math.inf))


def relu_(input: Tensor) -> Tensor:
    """relu, written into its input."""
    return write("relu_", input, relu(input))
