"""Arguments of the ops on images for accel_ops.py, in the sizes of real networks, and what PyTorch calls them.

The networks are the small CNN of `tinytorch bench peers`, ResNet-8 with batches of 32 and of 1, DS-CNN and
MobileNetV1-0.25.
accel and the core are given images that are channels-last in memory, as their own convolutions make them, PyTorch those
that its convolutions make: channels first.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np

from tinytorch.plugins import registry

EVENLY, LATE, NONE, ONE, TWO = ((1, 1), (1, 1)), ((0, 1), (0, 1)), ((0, 0), (0, 0)), (1, 1), (2, 2)
CONVS = [  # input, weight, stride, padding, groups
    ((32, 3, 32, 32), (32, 3, 3, 3), ONE, EVENLY, 1),
    ((32, 32, 32, 32), (64, 32, 3, 3), ONE, EVENLY, 1),
    ((32, 16, 32, 32), (16, 16, 3, 3), ONE, EVENLY, 1),
    ((32, 16, 32, 32), (32, 16, 3, 3), TWO, LATE, 1),
    ((32, 16, 32, 32), (32, 16, 1, 1), TWO, NONE, 1),
    ((32, 32, 16, 16), (32, 32, 3, 3), ONE, EVENLY, 1),
    ((32, 64, 8, 8), (64, 64, 3, 3), ONE, EVENLY, 1),
    ((32, 64, 16, 16), (128, 64, 1, 1), ONE, NONE, 1),
    ((32, 64, 16, 16), (64, 16, 3, 3), ONE, EVENLY, 4),
    ((32, 64, 32, 32), (64, 1, 3, 3), ONE, EVENLY, 64),
    ((1, 16, 32, 32), (16, 16, 3, 3), ONE, EVENLY, 1),
    ((1, 64, 8, 8), (64, 64, 3, 3), ONE, EVENLY, 1),
    ((1, 1, 49, 10), (64, 1, 10, 4), TWO, ((4, 5), (1, 1)), 1),
    ((1, 64, 25, 5), (64, 1, 3, 3), ONE, EVENLY, 64),
    ((1, 64, 25, 5), (64, 64, 1, 1), ONE, NONE, 1),
    ((1, 3, 96, 96), (8, 3, 3, 3), TWO, LATE, 1),
    ((1, 32, 24, 24), (32, 1, 3, 3), TWO, LATE, 32),
    ((1, 128, 6, 6), (128, 128, 1, 1), ONE, NONE, 1),
    ((1, 256, 3, 3), (256, 256, 1, 1), ONE, NONE, 1),
]
POOLS = [  # input, kernel, stride, padding
    ((32, 64, 32, 32), TWO, TWO, NONE),
    ((32, 64, 32, 32), (3, 3), TWO, EVENLY),
    ((32, 64, 8, 8), (8, 8), ONE, NONE),
    ((1, 64, 25, 5), (25, 5), ONE, NONE),
]
NORMS = [(32, 16, 32, 32), (32, 64, 8, 8), (128, 64, 56, 56), (128, 256), (1, 64, 25, 5)]


def numbers(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Return normal numbers, of images in channels-last memory."""
    if len(shape) != 4:
        return rng.standard_normal(shape, np.float32)
    batch, channels, height, width = shape
    return rng.standard_normal((batch, height, width, channels), np.float32).transpose(0, 3, 1, 2)


def conv(op: str, rng: np.random.Generator, size: tuple[Any, ...]) -> tuple[Any, ...]:
    """Arguments of conv2d and its two backward ops."""
    shape, weight_shape, stride, padding, groups = size
    x, weight = numbers(rng, *shape), rng.standard_normal(weight_shape, np.float32)
    window = (stride, padding, ONE, groups)
    if op == "conv2d":
        return x, weight, numbers(rng, weight_shape[0]), *window
    grad = numbers(rng, *core("conv2d")(x, weight, None, *window).shape)
    return (grad, weight, shape, *window) if op == "conv2d_input_grad" else (grad, x, weight_shape, *window)


def pool(op: str, rng: np.random.Generator, size: tuple[Any, ...]) -> tuple[Any, ...]:
    """Arguments of the pooling ops."""
    shape, *window = size
    x, spread = numbers(rng, *shape), () if op.startswith("sum") else (ONE,)
    if not op.endswith("grad"):
        return x, *window, *spread
    out = core(op.removesuffix("_grad"))(x, *window, *spread)
    if op == "sum_pool2d_grad":
        return numbers(rng, *out.shape), shape, *window
    return numbers(rng, *out[0].shape), out[1], shape, *window, *spread


def norm(op: str, rng: np.random.Generator, size: tuple[int, ...]) -> tuple[Any, ...]:
    """Arguments of batch_norm and its backward."""
    x, weight, bias = numbers(rng, *size), numbers(rng, size[1]), numbers(rng, size[1])
    if op == "batch_norm":
        return x, weight, bias, 1e-5
    return numbers(rng, *size), x, weight, *core("batch_norm")(x, weight, bias, 1e-5)[1:]


SIZES: dict[str, list[Any]] = {
    **dict.fromkeys(("conv2d", "conv2d_input_grad", "conv2d_weight_grad"), CONVS),
    **dict.fromkeys(("max_pool2d", "max_pool2d_grad", "sum_pool2d", "sum_pool2d_grad"), POOLS),
    **dict.fromkeys(("batch_norm", "batch_norm_grad"), NORMS),
}


def arguments(op: str, rng: np.random.Generator, *size: Any) -> tuple[Any, ...]:
    """Return an op's arguments for one of its sizes."""
    return (conv if op.startswith("conv") else norm if op.startswith("batch") else pool)(op, rng, size)


def core(op: str) -> Callable[..., Any]:
    """Return the core's kernel."""
    return registry.find(op).kernel


def in_torch(op: str, args: tuple[Any, ...]) -> Callable[[], Any] | None:
    """Return PyTorch's call for the same numbers, with its own padding before the time where it is uneven."""
    if importlib.util.find_spec("torch") is None:
        return None
    import torch

    given = [torch.from_numpy(each.copy("C")) if isinstance(each, np.ndarray) else each for each in args]
    if op.startswith("batch_norm"):
        return norm_in_torch(op, given)
    return conv_in_torch(op, given) if op.startswith("conv") else pool_in_torch(op, given)


def conv_in_torch(op: str, given: list[Any]) -> Callable[[], Any]:
    """Return PyTorch's convolution; where the padding is uneven, of images that have it already."""
    import torch

    aten, (stride, padding, spread, groups) = torch.ops.aten, given[3:]
    even = all(before == after for before, after in padding)
    sides = [before if even else 0 for before, _ in padding]
    more = [0 if even else before + after for before, after in padding]
    window = (stride, sides, spread, False, [0, 0], groups)

    def padded(x: Any) -> Any:
        return x if even else torch.nn.functional.pad(x, (*padding[1], *padding[0]))

    if op == "conv2d":
        x = padded(given[0])
        return lambda: aten.convolution(x, *given[1:3], *window)
    if op == "conv2d_weight_grad":
        x, weight, mask = padded(given[1]), torch.zeros(given[2]), [False, True, False]
    else:
        batch, channels, height, width = given[2]
        x, weight = torch.zeros(batch, channels, height + more[0], width + more[1]), given[1]
        mask = [True, False, False]
    return lambda: aten.convolution_backward(given[0], x, weight, None, *window, mask)


def pool_in_torch(op: str, given: list[Any]) -> Callable[[], Any]:
    """Return PyTorch's pooling: the mean where ours is the sum."""
    import torch

    aten, pads = torch.ops.aten, lambda padding: [before for before, _ in padding]
    if op == "max_pool2d":
        x, kernel, stride, padding, _ = given
        return lambda: aten.max_pool2d_with_indices(x, kernel, stride, pads(padding))
    if op == "sum_pool2d":
        x, kernel, stride, padding = given
        return lambda: aten.avg_pool2d(x, kernel, stride, pads(padding))
    if op == "sum_pool2d_grad":
        grad, shape, kernel, stride, padding = given
        x = torch.zeros(shape)
        return lambda: aten.avg_pool2d_backward(grad, x, kernel, stride, pads(padding), False, True, None)
    grad, _, shape, kernel, stride, padding, spread = given
    x = torch.randn(shape)
    place = aten.max_pool2d_with_indices(x, kernel, stride, pads(padding))[1]
    window = (kernel, stride, pads(padding), spread, False)
    return lambda: aten.max_pool2d_with_indices_backward(grad, x, *window, place)


def norm_in_torch(op: str, given: list[Any]) -> Callable[[], Any]:
    """Return PyTorch's batch norm in training."""
    import torch

    aten = torch.ops.aten
    if op == "batch_norm":
        return lambda: aten.native_batch_norm(*given[:3], None, None, True, 0.1, given[3])
    grad, x, weight, mean, rstd = given
    flat = mean.reshape(-1), rstd.reshape(-1)
    return lambda: aten.native_batch_norm_backward(grad, x, weight, None, None, *flat, True, 1e-5, [True] * 3)
