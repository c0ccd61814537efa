"""The rows of the chapters spatial and optimizers."""

from __future__ import annotations

import numpy as np

from tinytorch.testing import draw
from tinytorch.testing.case import NEAR, Arguments, OpCase
from tinytorch.types import Array, DType, Shape

Generator = np.random.Generator
Pair = tuple[int, int]
Sides = tuple[Pair, Pair]


def _pair(rng: Generator, low: int, high: int) -> Pair:
    return int(rng.integers(low, high)), int(rng.integers(low, high))


def _sides(rng: Generator, most: Pair) -> Sides:
    return (
        (int(rng.integers(0, most[0] + 1)), int(rng.integers(0, most[0] + 1))),
        (int(rng.integers(0, most[1] + 1)), int(rng.integers(0, most[1] + 1))),
    )


def _fitting_size(rng: Generator, kernel: Pair, dilation: Pair) -> Pair:
    """A height and width that hold a window without padding, and up to four more."""
    return tuple(d * (k - 1) + draw.extent(rng, 1, 6, 0.2) for k, d in zip(kernel, dilation, strict=True))  # type: ignore[return-value]


def _out_size(size: Shape, kernel: Pair, stride: Pair, padding: Sides, dilation: Pair) -> Pair:
    steps = zip(size, padding, kernel, stride, dilation, strict=True)
    return tuple((n + sum(pads) - d * (k - 1) - 1) // s + 1 for n, pads, k, s, d in steps)  # type: ignore[return-value]


def _conv2d(rng: Generator, dtype: DType) -> Arguments:
    """Plain, grouped and depthwise; padding on four sides, steps and gaps."""
    groups = int(rng.integers(1, 4))
    inputs = draw.extent(rng, 1, 3, 0.2) if rng.random() < 0.6 else 1
    outputs = groups * draw.extent(rng, 1, 3, 0.2)
    kernel, stride, dilation = _pair(rng, 1, 4), _pair(rng, 1, 3), _pair(rng, 1, 3)
    size = _fitting_size(rng, kernel, dilation)
    x = draw.normal(rng, (int(rng.integers(1, 3)), groups * inputs, *size), dtype)
    weight = draw.normal(rng, (outputs, inputs, *kernel), dtype)
    bias = draw.normal(rng, (outputs,), dtype) if rng.random() < 0.6 else None
    return x, weight, bias, stride, _sides(rng, (2, 2)), dilation, groups


def _conv2d_out(rng: Generator, arguments: Arguments) -> Array:
    """A gradient of the output of these arguments."""
    x, weight, _, stride, padding, dilation, _ = arguments
    size = _out_size(x.shape[2:], weight.shape[2:], stride, padding, dilation)
    return draw.normal(rng, (x.shape[0], weight.shape[0], *size), x.dtype)


def _conv2d_input_grad(rng: Generator, dtype: DType) -> Arguments:
    x, weight, _, *window = arguments = _conv2d(rng, dtype)
    return _conv2d_out(rng, arguments), weight, x.shape, *window


def _conv2d_weight_grad(rng: Generator, dtype: DType) -> Arguments:
    x, weight, _, *window = arguments = _conv2d(rng, dtype)
    return _conv2d_out(rng, arguments), x, weight.shape, *window


def _max_pool(rng: Generator, dtype: DType) -> Arguments:
    """Windows hold an element of the image: padding up to half a window, or gaps."""
    kernel, stride = _pair(rng, 1, 4), _pair(rng, 1, 4)
    padded = rng.random() < 0.5
    dilation = (1, 1) if padded else _pair(rng, 1, 3)
    padding = _sides(rng, (kernel[0] // 2, kernel[1] // 2)) if padded else ((0, 0), (0, 0))
    size = _fitting_size(rng, kernel, dilation)
    x = draw.distinct(rng, (*_pair(rng, 1, 3), *size), dtype)
    return x, kernel, stride, padding, dilation


def _max_pool_grad(rng: Generator, dtype: DType) -> Arguments:
    x, kernel, stride, padding, dilation = _max_pool(rng, dtype)
    size = _out_size(x.shape[2:], kernel, stride, padding, dilation)
    place = rng.integers(0, kernel[0] * kernel[1], (*x.shape[:2], *size)).astype(np.uint8)
    return draw.normal(rng, place.shape, dtype), place, x.shape, kernel, stride, padding, dilation


def _max_pool_pick(rng: Generator, dtype: DType) -> Arguments:
    _, place, shape, *window = _max_pool_grad(rng, dtype)
    return draw.normal(rng, shape, dtype), place, *window


def _sum_pool(rng: Generator, dtype: DType) -> Arguments:
    kernel, stride = _pair(rng, 1, 4), _pair(rng, 1, 4)
    padding = _sides(rng, (kernel[0] // 2, kernel[1] // 2))
    x = draw.normal(rng, (*_pair(rng, 1, 3), *_fitting_size(rng, kernel, (1, 1))), dtype)
    return x, kernel, stride, padding


def _sum_pool_grad(rng: Generator, dtype: DType) -> Arguments:
    x, kernel, stride, padding = _sum_pool(rng, dtype)
    size = _out_size(x.shape[2:], kernel, stride, padding, (1, 1))
    return draw.normal(rng, (*x.shape[:2], *size), dtype), x.shape, kernel, stride, padding


SPATIAL = (
    OpCase("conv2d", _conv2d, NEAR),
    OpCase("conv2d_input_grad", _conv2d_input_grad, NEAR),
    OpCase("conv2d_weight_grad", _conv2d_weight_grad, NEAR),
    OpCase("max_pool2d", _max_pool, NEAR),
    OpCase("max_pool2d_grad", _max_pool_grad, NEAR),
    OpCase("max_pool2d_pick", _max_pool_pick, NEAR),
    OpCase("sum_pool2d", _sum_pool, NEAR),
    OpCase("sum_pool2d_grad", _sum_pool_grad, NEAR),
)


def _step(rng: Generator, dtype: DType, count: int) -> list[list[Array]]:
    """Lists of parameters, gradients and `count` states, the last not below 0."""
    shapes = [draw.shape(rng) for _ in range(rng.integers(1, 4))]
    lists = [[np.array(draw.normal(rng, shape, dtype)) for shape in shapes] for _ in range(2 + count)]
    lists[-1] = [np.asarray(np.abs(array)) for array in lists[-1]]  # 0-d arrays stay arrays
    return lists


def _sgd(rng: Generator, dtype: DType) -> Arguments:
    params, grads, buffers = _step(rng, dtype, 1)
    momentum = float(draw.choice(rng, (0.0, 0.9)))  # type: ignore[arg-type]
    dampening = 0.5 if momentum and rng.random() < 0.3 else 0.0
    nesterov = bool(momentum) and not dampening and rng.random() < 0.5
    options = 0.1, momentum, dampening, _decay(rng), nesterov, _sometimes(rng)
    return params, grads, buffers if momentum else [], _sometimes(rng), *options


def _adam(rng: Generator, dtype: DType) -> Arguments:
    params, grads, means, squares = _step(rng, dtype, 2)
    step, decoupled, amsgrad = int(rng.integers(1, 20)), bool(rng.random() < 0.5), _sometimes(rng)
    largest = [np.array(draw.positive(rng, square.shape, dtype)) for square in squares] if amsgrad else []
    options = 0.01, (0.9, 0.999), 1e-8, _decay(rng), amsgrad, _sometimes(rng)
    return params, grads, means, squares, largest, step, decoupled, *options


def _rmsprop(rng: Generator, dtype: DType) -> Arguments:
    params, grads, buffers, squares = _step(rng, dtype, 2)
    momentum, centered = float(draw.choice(rng, (0.0, 0.9))), _sometimes(rng)  # type: ignore[arg-type]
    means = [np.array(draw.normal(rng, square.shape, dtype)) for square in squares] if centered else []
    for square, mean in zip(squares, means, strict=centered):
        square += mean * mean + 0.1  # no mean of squares is below the square of the mean
    options = 0.01, 0.99, 1e-8, _decay(rng), momentum, centered, _sometimes(rng)
    return params, grads, squares, buffers if momentum else [], means, *options


def _sometimes(rng: Generator) -> bool:
    return bool(rng.random() < 0.3)


def _decay(rng: Generator) -> float:
    return 0.1 if rng.random() < 0.5 else 0.0


OPTIMIZERS = (
    OpCase("sgd_step", _sgd, NEAR),
    OpCase("adam_step", _adam, NEAR),
    OpCase("rmsprop_step", _rmsprop, NEAR),
)
