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


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("pool", [pool for pool in POOLS if pool[-1] == ONE], ids=str)
def test_sums_of_windows_and_their_gradient_are_the_cores_bits(pool, order, rng):
    shape, *window, _ = pool
    for make in (lambda x: x, with_special, lambda x: np.full_like(x, -0.0)):
        x = order(make(numbers(rng, *shape)))
        with np.errstate(invalid="ignore"):  # inf - inf
            out = core("sum_pool2d")(x, *window)
            same_bits(kernels.sum_pool2d(x, *window), out)
            grad = order(make(numbers(rng, *out.shape)))
            cores = core("sum_pool2d_grad")(grad, shape, *window)
        same_bits(kernels.sum_pool2d_grad(grad, shape, *window), cores)


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


CONVS = [  # input, weight, stride, padding, dilation, groups
    ((2, 3, 8, 9), (5, 3, 3, 3), ONE, ((1, 1), (1, 1)), ONE, 1),
    ((2, 16, 9, 8), (32, 16, 3, 3), (2, 2), ((1, 1), (1, 1)), ONE, 1),
    ((3, 7, 6, 6), (33, 7, 1, 1), ONE, NONE, ONE, 1),
    ((2, 8, 7, 9), (24, 8, 1, 1), (2, 2), NONE, ONE, 1),
    ((1, 5, 11, 13), (6, 5, 3, 2), (3, 2), ((2, 0), (0, 1)), ONE, 1),
    ((2, 4, 9, 9), (17, 4, 3, 3), ONE, ((2, 2), (3, 1)), (2, 3), 1),
    ((1, 2, 5, 5), (3, 2, 2, 2), ONE, ((3, 4), (5, 2)), ONE, 1),
    ((1, 2, 5, 6), (3, 2, 2, 3), (4, 5), ((0, 0), (1, 0)), ONE, 1),
    ((2, 19, 8, 8), (19, 1, 3, 3), ONE, ((1, 1), (1, 1)), ONE, 19),
    ((2, 16, 9, 7), (16, 1, 3, 3), (2, 2), ((1, 1), (0, 1)), ONE, 16),
    ((1, 3, 9, 9), (3, 1, 2, 4), ONE, ((1, 1), (4, 4)), (3, 2), 3),
    ((2, 6, 7, 8), (18, 3, 3, 3), ONE, ((1, 1), (1, 1)), ONE, 2),
    ((3, 5, 6, 7), (10, 1, 3, 2), (2, 1), ((1, 0), (0, 1)), ONE, 5),
    ((2, 36, 5, 5), (4, 9, 1, 1), ONE, NONE, ONE, 4),
    ((2, 40, 4, 6), (40, 20, 3, 3), (2, 2), ((1, 1), (1, 1)), ONE, 2),
    ((4, 3, 1, 20), (5, 3, 1, 4), (1, 2), ((0, 0), (1, 2)), ONE, 1),
]
BIG = [
    ((6, 16, 33, 31), (40, 16, 3, 3), ONE, ((1, 1), (1, 1)), ONE, 1),
    ((18, 24, 40, 31), (24, 1, 3, 3), ONE, ((1, 1), (1, 1)), ONE, 24),
]
CUT = [  # into strips of an image
    ((1, 32, 40, 64), (32, 32, 3, 3), (2, 2), ((1, 1), (1, 1)), ONE, 1),
    ((1, 24, 61, 45), (20, 12, 3, 3), (3, 2), ((1, 0), (0, 1)), ONE, 2),
    ((1, 16, 50, 40), (24, 16, 3, 3), ONE, ((2, 2), (3, 3)), (2, 3), 1),
    ((2, 8, 37, 400), (12, 8, 5, 5), (2, 1), ((2, 2), (2, 2)), ONE, 1),
    ((1, 12, 1, 9000), (16, 12, 1, 3), ONE, ((0, 0), (1, 1)), ONE, 1),
]
CONV_OPS = ["conv2d", "conv2d_input_grad", "conv2d_weight_grad"]


def conv_arguments(op, conv, rng, order=channels_last, dtype=np.float32):
    shape, weight_shape, *window = conv
    x, weight = order(numbers(rng, *shape)), numbers(rng, *weight_shape)
    bias = numbers(rng, weight_shape[0])
    grad = order(numbers(rng, *core("conv2d")(x, weight, None, *window).shape))
    x, weight, bias, grad = (each.astype(dtype) for each in (x, weight, bias, grad))
    return {
        "conv2d": (x, weight, bias, *window),
        "conv2d_input_grad": (grad, weight, shape, *window),
        "conv2d_weight_grad": (grad, x, weight_shape, *window),
    }[op]


def widened(args):
    return tuple(arg.astype(np.float64) if isinstance(arg, np.ndarray) else arg for arg in args)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("conv", CONVS + BIG + CUT, ids=str)
@pytest.mark.parametrize("op", CONV_OPS)
def test_convolutions_give_the_cores_answers(op, conv, order, rng):
    args = conv_arguments(op, conv, rng, order)
    mine, right = getattr(kernels, op)(*args), core(op)(*widened(args))
    assert mine is not None
    assert mine.shape == right.shape
    np.testing.assert_allclose(mine, right, rtol=1e-5, atol=1e-6 * np.abs(right).max())


@pytest.mark.parametrize("bad", [np.nan, np.inf], ids=str)
@pytest.mark.parametrize("op", CONV_OPS)
def test_nan_and_infinity_spread_in_a_convolution_as_in_the_core(op, bad, rng):
    for conv in CONVS:
        args = conv_arguments(op, conv, rng)
        args[0][0, -1, -1, -1] = bad
        args[1][0, 0, 0, 0] = -bad
        with np.errstate(invalid="ignore"):
            mine, cores = getattr(kernels, op)(*args), core(op)(*args)
        if mine is None:  # declined: zeros of a frame that the core has not would make nan of infinity
            assert op == "conv2d_input_grad"
            continue
        np.testing.assert_array_equal(np.isfinite(mine), np.isfinite(cores))
        np.testing.assert_array_equal(np.isnan(mine), np.isnan(cores))


@pytest.mark.parametrize("conv", BIG + CUT, ids=str)
@pytest.mark.parametrize("op", CONV_OPS)
def test_a_convolution_has_the_same_bits_for_any_number_of_threads(op, conv, rng):
    args = conv_arguments(op, conv, rng)
    answers = []
    for threads in (1, 2, 3):
        kernels.set_threads(threads)
        answers.append(getattr(kernels, op)(*args).tobytes())
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("op", ["batch_norm", "batch_norm_grad", "batch_norm_inference"])
def test_batch_norm_has_the_same_bits_for_any_number_of_threads(op, order, rng):
    args = batch_norm_arguments(op, order, rng, (6, 24, 33, 31))
    answers = []
    for threads in (1, 2, 3):
        kernels.set_threads(threads)
        answers.append([each.tobytes() for each in outputs(getattr(kernels, op)(*args))])
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize("op", ["max_pool2d", "max_pool2d_grad", "sum_pool2d", "sum_pool2d_grad", "relu", "relu_grad"])
def test_pooling_and_relu_have_the_same_bits_for_any_number_of_threads(op, rng):
    x = channels_last(numbers(rng, 4, 24, 40, 40))
    window = ((3, 3), (2, 2), ((1, 1), (1, 1)), ONE)
    out, place = core("max_pool2d")(x, *window)
    args = {
        "max_pool2d": (x, *window),
        "max_pool2d_grad": (out, place, x.shape, *window),
        "sum_pool2d": (x, *window[:3]),
        "sum_pool2d_grad": (out, x.shape, *window[:3]),
        "relu": (x,),
    }
    answers = []
    for threads in (1, 2, 3):
        kernels.set_threads(threads)
        answer = outputs(getattr(kernels, op)(*args.get(op, (x, x))))
        answers.append([each.tobytes() for each in answer])
    assert answers[0] == answers[1] == answers[2]


def batch_norm_arguments(op, order, rng, shape=(3, 20, 9, 7)):
    x, grad = order(numbers(rng, *shape)), order(numbers(rng, *shape))
    weight, bias, mean = (numbers(rng, shape[1]) for _ in range(3))
    variance = rng.uniform(0.5, 2.0, shape[1]).astype(np.float32)
    _, *saved = core("batch_norm")(x, weight, bias, 1e-5)
    return {
        "batch_norm": (x, weight, bias, 1e-5),
        "batch_norm_grad": (grad, x, weight, *saved),
        "batch_norm_inference": (x, mean, variance, weight, bias, 1e-5),
    }[op]


NORMS = ["batch_norm", "batch_norm_grad", "batch_norm_inference"]


@pytest.mark.parametrize("shape", [(3, 20, 9, 7), (2, 5, 11), (1, 8, 1, 1), (2, 3, 2, 2, 5)], ids=str)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("op", NORMS)
def test_batch_norm_gives_the_cores_answers_in_the_inputs_order_of_memory(op, order, shape, rng):
    ordered = order if len(shape) == 4 else np.ascontiguousarray
    args = batch_norm_arguments(op, ordered, rng, shape)
    answers = zip(outputs(getattr(kernels, op)(*args)), outputs(core(op)(*args)), strict=True)
    for mine, cores in answers:
        assert (mine.shape, mine.strides) == (cores.shape, cores.strides) or mine.size == mine.shape[1]
        np.testing.assert_allclose(mine, cores, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30], ids=str)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("op", NORMS)
def test_nan_and_infinity_spread_in_batch_norm_as_in_the_core(op, order, bad, rng):
    args = batch_norm_arguments(op, order, rng)
    args[0][1, 3, 2, 1] = bad
    with np.errstate(invalid="ignore", over="ignore"):
        for mine, cores in zip(outputs(getattr(kernels, op)(*args)), outputs(core(op)(*args)), strict=True):
            np.testing.assert_allclose(mine, cores, rtol=1e-5, atol=1e-5)


def test_batch_norm_keeps_the_digits_of_numbers_far_from_zero(rng):
    x = channels_last(numbers(rng, 8, 3, 20, 20) + np.float32(3000))
    right = core("batch_norm")(x.astype(np.float64), None, None, 1e-5)
    for mine, exact in zip(kernels.batch_norm(x, None, None, 1e-5), right, strict=True):
        np.testing.assert_allclose(mine, exact, rtol=1e-6, atol=2e-4)  # the mean is rounded at 3000


def test_batch_norm_declines_what_it_cannot_read(rng):
    for op in NORMS:
        args = batch_norm_arguments(op, channels_last, rng)
        for changed in changes(args[0]):
            assert getattr(kernels, op)(changed, *args[1:]) is None
    x, others = np.ones((2, 3, 4, 5), np.float32), np.ones(4, np.float32)
    assert kernels.batch_norm(x, others, None, 1e-5) is None
    assert kernels.batch_norm(x.transpose(0, 1, 3, 2), None, None, 1e-5) is None
    assert kernels.batch_norm_inference(x, None, others[:3], None, None, 1e-5) is None
    assert kernels.batch_norm_grad(channels_last(x), x, None, others[:3], others[:3]) is None


def changes(array):
    yield array.astype(np.float64)
    yield array.astype(array.dtype.newbyteorder())
    yield array[:0]
    yield np.repeat(array, 2, -1)[..., ::2]
    yield array[..., 0]


@pytest.mark.parametrize("op", CONV_OPS)
def test_a_convolution_declines_what_it_cannot_read(op, rng):
    args = conv_arguments(op, CONVS[0], rng)
    for place in [0, 1]:
        for changed in changes(args[place]):
            assert getattr(kernels, op)(*args[:place], changed, *args[place + 1 :]) is None
    for window in [((1, 1), NONE, ONE, 3), ((0, 1), NONE, ONE, 1), (ONE, ((-1, 0), (0, 0)), ONE, 1)]:
        assert getattr(kernels, op)(*args[:3], *window) is None


def in_torch(op, args):
    import torch
    from torch.nn import functional as F

    *_, stride, padding, dilation, groups = args
    window = stride, (padding[0][0], padding[1][0]), dilation, groups
    first, second = torch.from_numpy(args[0]), torch.from_numpy(args[1])
    if op == "conv2d":
        return F.conv2d(first, second, torch.from_numpy(args[2]), *window)
    if op == "conv2d_input_grad":
        return torch.nn.grad.conv2d_input(args[2], second, first, *window)
    return torch.nn.grad.conv2d_weight(second, args[2], first, *window)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("conv", BIG, ids=str)
@pytest.mark.parametrize("op", CONV_OPS)
def test_a_convolution_is_at_most_twice_as_far_from_float64_as_pytorch(op, conv, rng):
    args = conv_arguments(op, conv, rng)
    right = core(op)(*widened(args))
    mine, theirs = (
        np.sqrt(np.mean((a - right) ** 2)) for a in (getattr(kernels, op)(*args), in_torch(op, args).numpy())
    )
    assert mine <= 2 * theirs
