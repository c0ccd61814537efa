"""Convolution and pooling on images of either order of memory, against the core's kernels."""

import importlib.util

import numpy as np
import pytest
from accel.calls import core, numbers, outputs

kernels = pytest.importorskip("tinytorch_accel._native", reason="tinytorch-accel was installed without its kernels")
ONE, NONE = (1, 1), ((0, 0), (0, 0))
POOLS = [  # shape, kernel, stride, padding, dilation
    ((2, 3, 4, 6), (2, 2), (2, 2), NONE, ONE),
    ((1, 17, 5, 7), (2, 2), (2, 2), NONE, ONE),
    ((2, 8, 9, 8), (3, 3), (2, 2), ((1, 1), (1, 1)), ONE),
    ((2, 5, 7, 7), (3, 2), (1, 3), ((1, 0), (0, 1)), ONE),
    ((1, 9, 8, 9), (2, 3), (1, 1), NONE, (3, 2)),
    ((3, 64, 16, 16), (3, 3), (1, 1), ((1, 1), (1, 1)), ONE),
]


def channels_last(images):
    return np.ascontiguousarray(images.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


ORDERS = [np.ascontiguousarray, channels_last]


def with_special(images):
    """nan, infinities and zeros of both signs among the numbers."""
    flat = images.reshape(-1)
    for every, value in [(5, 0.0), (7, -0.0), (11, np.nan), (13, np.inf), (17, -np.inf)]:
        flat[every // 2 :: every] = value
    return images


def same_bits(a, b):
    kind = {4: np.uint32, 1: np.uint8}[a.itemsize]
    nan = np.isnan(a) & np.isnan(b)
    assert (a.shape, a.dtype) == (b.shape, b.dtype)
    assert (nan | (np.ascontiguousarray(a).view(kind) == np.ascontiguousarray(b).view(kind))).all()


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("pool", POOLS, ids=str)
def test_a_maximum_and_its_place_are_the_cores_bits(pool, order, rng):
    shape, *window = pool
    x = order(with_special(numbers(rng, *shape)))
    for mine, cores in zip(kernels.max_pool2d(x, *window), core("max_pool2d")(x, *window), strict=True):
        same_bits(mine, cores)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("pool", POOLS, ids=str)
def test_the_gradient_of_a_maximum_is_the_cores_bits(pool, order, rng):
    shape, *window = pool
    place = core("max_pool2d")(numbers(rng, *shape), *window)[1]
    grad = order(with_special(numbers(rng, *place.shape)))
    with np.errstate(invalid="ignore"):  # inf - inf, where windows overlap
        cores = core("max_pool2d_grad")(grad, place, shape, *window)
    same_bits(kernels.max_pool2d_grad(grad, place, shape, *window), cores)


def test_a_window_that_may_miss_the_image_is_declined():
    x = np.ones((1, 1, 2, 2), np.float32)
    assert kernels.max_pool2d(x, (2, 2), (2, 2), ((2, 2), (0, 0)), ONE) is None


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)], ids=str)
def test_relu_takes_and_gives_any_order_of_dimensions(order, rng):
    x = with_special(numbers(rng, 3, 5, 70)).transpose(order)
    grad = with_special(numbers(rng, 3, 5, 70)).transpose(order)
    out = kernels.relu(x)
    assert out.strides == core("relu")(x).strides
    same_bits(out, core("relu")(x))
    same_bits(kernels.relu_grad(grad, out), core("relu_grad")(grad, out))
    assert kernels.relu_grad(np.ascontiguousarray(grad), x) is None or order == (0, 1, 2)


def test_relu_declines_what_does_not_lie_in_a_row():
    x = np.ones((4, 6), np.float32)
    for array in (x[:, ::2], x[:, 1:], x[::-1], np.broadcast_to(x[:1], x.shape), x[:0], x.astype(">f4")):
        assert kernels.relu(array) is None
        assert kernels.relu_grad(array, array) is None
