"""Int8 codes: the ops of tinytorch-quant, bit for bit."""

import numpy as np
import pytest
from accel.calls import core

import tinytorch as tt
from tinytorch import plugins
from tinytorch.models import import_model

kernels = pytest.importorskip("tinytorch_accel._native", reason="tinytorch-accel was installed without its kernels")
integer = pytest.importorskip("tinytorch_quant.integer", reason="tinytorch-quant is not installed")

EDGES = np.array([-128, -127, -1, 0, 1, 127], np.int8)
CONVS = [  # batch, channels, height, width, outs, kernel, stride, padding, dilation, groups
    (1, 3, 8, 8, 16, (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 1),
    (2, 16, 9, 7, 32, (3, 3), (2, 2), ((0, 1), (0, 1)), (1, 1), 1),
    (1, 1, 49, 10, 64, (10, 4), (2, 2), ((4, 5), (1, 1)), (1, 1), 1),
    (3, 64, 5, 5, 12, (1, 1), (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
    (1, 33, 6, 6, 17, (1, 1), (2, 2), ((0, 0), (0, 0)), (1, 1), 1),
    (1, 5, 11, 12, 7, (2, 3), (1, 2), ((2, 0), (1, 3)), (2, 3), 1),
    (2, 64, 7, 5, 64, (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 64),
    (1, 40, 9, 9, 40, (3, 3), (2, 2), ((0, 1), (0, 1)), (1, 1), 40),
    (1, 3, 6, 6, 3, (2, 2), (1, 1), ((1, 0), (0, 1)), (2, 1), 3),
    (2, 3, 9, 9, 9, (3, 3), (2, 2), ((1, 1), (1, 1)), (2, 2), 1),
    (1, 2, 1, 1, 1, (1, 1), (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
    (2, 16, 9, 7, 32, (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 1),  # from here on by Winograd's way
    (3, 33, 6, 6, 17, (3, 3), (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
    (1, 24, 5, 4, 40, (3, 3), (1, 1), ((2, 0), (0, 3)), (1, 1), 1),
    (1, 64, 8, 8, 64, (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 1),
]


def codes(rng, *shape):
    drawn = rng.integers(-128, 128, shape, np.int8)
    drawn.reshape(-1)[::7] = rng.choice(EDGES, drawn.reshape(-1)[::7].shape)
    return drawn


def channels_last(images):
    return np.ascontiguousarray(images.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


def constants(rng, outs, *, shifts=(-12, 1)):
    bias = rng.integers(-30000, 30000, outs, np.int32)
    mantissa = rng.integers(1 << 30, (1 << 31) - 1, outs, np.int32)
    mantissa[::5] = 0
    return bias, mantissa, rng.integers(*shifts, outs, np.int8)


def same(mine, cores):
    assert mine is not None
    assert (mine.shape, mine.dtype) == (cores.shape, cores.dtype)
    np.testing.assert_array_equal(mine, cores)


@pytest.mark.parametrize("order", [np.ascontiguousarray, channels_last])
@pytest.mark.parametrize("conv", CONVS, ids=str)
def test_a_convolution_gives_the_same_codes(conv, order, rng):
    batch, channels, height, width, outs, kernel, *window, groups = conv
    x = order(codes(rng, batch, channels, height, width))
    weight = channels_last(codes(rng, outs, channels // groups, *kernel))
    for limits in ((-5, -128, 127), (127, 127, 127), (-128, -100, 90)):
        args = x, weight, *constants(rng, outs), *window, groups, int(codes(rng, 1)[0]), *limits
        same(kernels.int8_conv2d(*args), core("int8_conv2d")(*args))


@pytest.mark.parametrize(("channels", "pixels"), [(512, 3), (256, 4)])
def test_the_largest_sums_are_exact(channels, pixels):
    x = channels_last(np.full((1, channels, pixels, pixels), -128, np.int8))
    weight = channels_last(np.full((16, channels, 3, 3), -128, np.int8))
    bias, shift = np.full(16, (1 << 30) - 1 - channels * 9 * 128 * 128, np.int32), np.arange(-31, -15, dtype=np.int8)
    mantissa = np.full(16, (1 << 31) - 1, np.int32)
    args = x, weight, bias, mantissa, shift, (1, 1), ((1, 1), (1, 1)), (1, 1), 1, 127, 0, -128, 127
    same(kernels.int8_conv2d(*args), core("int8_conv2d")(*args))


@pytest.mark.parametrize(
    ("mantissa", "shift"), [(0, 0), (1 << 30, 0), (1 << 30, -1), (1 << 30, -31), ((1 << 31) - 1, -30)]
)
@pytest.mark.parametrize("sign", [1, -1])
def test_channels_that_give_always_the_same_are_answered(mantissa, shift, sign, rng):
    most = (1 << 30) + 128 if mantissa <= 1 << 30 else (1 << 30) + (1 << 29) - 2
    x, weight = channels_last(codes(rng, 1, 8, 3, 3)), channels_last(codes(rng, 4, 8, 1, 1))
    bias = np.full(4, sign * (most - 8 * 128 * 128), np.int32)
    scale = np.full(4, mantissa, np.int32), np.full(4, shift, np.int8)
    args = x, weight, bias, *scale, (1, 1), ((0, 0), (0, 0)), (1, 1), 1, 0, -128, -128, 127
    same(kernels.int8_conv2d(*args), core("int8_conv2d")(*args))


def test_the_largest_numbers_of_winograds_way_are_exact():
    signs = np.array(
        [[1, -1, -1, 1], [-1, 1, 1, -1], [-1, 1, 1, -1], [1, -1, -1, 1]]
    )  # of 4 x 4 places: each difference
    x = channels_last(
        np.where(np.kron(np.ones((2, 2)), signs) > 0, 127, -128).astype(np.int8) * np.ones((1, 256, 1, 1), np.int8)
    )
    weight = channels_last(np.where(signs[:3, :3] > 0, 127, -128).astype(np.int8) * np.ones((16, 256, 1, 1), np.int8))
    for turned in (weight, channels_last(np.full_like(weight, -128))):
        constant = np.zeros(16, np.int32), np.full(16, (1 << 31) - 1, np.int32), np.arange(-24, -8, dtype=np.int8)
        args = x, turned, *constant, (1, 1), ((1, 1), (1, 1)), (1, 1), 1, -128, 0, -128, 127
        same(kernels.int8_conv2d(*args), core("int8_conv2d")(*args))


def test_halves_are_rounded_as_gemmlowp_does():
    x = np.arange(-128, 128, dtype=np.int8).reshape(256, 1, 1, 1)
    args = channels_last(x), channels_last(np.full((1, 1, 1, 1), 3, np.int8)), np.zeros(1, np.int32)
    for shift in range(-6, 1):
        scale = np.full(1, 1 << 30, np.int32), np.full(1, shift, np.int8)
        rest = (1, 1), ((0, 0), (0, 0)), (1, 1), 1, 0, 0, -128, 127
        same(kernels.int8_conv2d(*args, *scale, *rest), core("int8_conv2d")(*args, *scale, *rest))


@pytest.mark.parametrize("shape", [(1, 640), (3, 7), (2, 5, 64), (640,), (100, 8), (13, 33)])
@pytest.mark.parametrize("outs", [1, 8, 12, 128])
def test_a_linear_layer_gives_the_same_codes(shape, outs, rng):
    x, weight = codes(rng, *shape), codes(rng, outs, shape[-1])
    args = x, weight, *constants(rng, outs, shifts=(-31, 1)), 3, -128, 100
    same(kernels.int8_linear(*args), core("int8_linear")(*args))


def test_the_largest_sums_of_a_linear_layer_are_exact():
    x = np.full((2, 4608), -128, np.int8)
    weight = np.concatenate([np.full((16, 4608), -128, np.int8), np.full((16, 4608), 127, np.int8)])
    bias, mantissa = np.full(32, (1 << 30) - 1 - 4608 * 128 * 128, np.int32), np.full(32, (1 << 31) - 1, np.int32)
    args = x, weight, bias, mantissa, np.arange(-31, 1, dtype=np.int8), 5, -128, 127
    same(kernels.int8_linear(*args), core("int8_linear")(*args))


@pytest.mark.parametrize("order", [np.ascontiguousarray, channels_last])
@pytest.mark.parametrize(("scale", "zero_point"), [(0.0235, 0), (1e-3, -128), (17.0, 127), (1.0, 5)])
def test_numbers_become_codes_and_codes_numbers(order, scale, zero_point, rng):
    x = order(rng.standard_normal((3, 5, 7, 4), np.float32) * np.float32(40.0 * scale))
    flat = x.transpose(0, 2, 3, 1).reshape(-1) if order is channels_last else x.reshape(-1)
    flat[:8] = np.nan, np.inf, -np.inf, 0.5 * scale, 1.5 * scale, -2.5 * scale, 3e38, -0.0
    mine = kernels.int8_quantize(x, scale, zero_point)
    with np.errstate(over="ignore"):
        same(mine, core("int8_quantize")(x, scale, zero_point))
    numbers, cores = kernels.int8_dequantize(mine, scale, zero_point), core("int8_dequantize")(mine, scale, zero_point)
    same(numbers, cores)
    assert numbers.strides == mine.astype(np.float32).strides


@pytest.mark.parametrize("order", [np.ascontiguousarray, channels_last])
@pytest.mark.parametrize("shape", [(2, 19, 5, 3), (1, 1, 1, 1), (5, 16, 17, 16)])
def test_an_addition_gives_the_same_codes(shape, order, rng):
    a, b = order(codes(rng, *shape)), order(codes(rng, *shape))
    for scales in (((0.02, -3), (0.3, 17), 0.1), ((0.5, -128), (0.5, -128), 0.7), ((0.9, 127), (0.3, 0), 0.2)):
        args = a, b, *integer.add_constants(*scales), 4, -100, 127
        same(kernels.int8_add(*args), core("int8_add")(*args))


@pytest.mark.parametrize("shape", [(1, 64, 8, 8), (3, 17, 5, 2), (2, 256, 3, 3), (1, 1, 1, 1)])
def test_the_mean_of_an_image_gives_the_same_codes(shape, rng):
    x = channels_last(codes(rng, *shape))
    args = x, shape[2:], (1, 1), ((0, 0), (0, 0)), -120, 125
    same(kernels.int8_avg_pool2d(*args), core("int8_avg_pool2d")(*args))


@pytest.mark.parametrize("shape", [(1, 10), (64, 12), (7, 1), (3, 5, 33), (2, 1000)])
def test_probabilities_are_the_same_codes(shape, rng):
    for scale in (0.05, 0.7, 1e-3):
        args = codes(rng, *shape), integer.softmax_table(scale)
        same(kernels.int8_softmax(*args), core("int8_softmax")(*args))


def test_what_the_kernels_do_not_read_is_declined(rng):
    bias, mantissa, shift = constants(rng, 4)
    x, weight = channels_last(codes(rng, 1, 4, 5, 5)), channels_last(codes(rng, 4, 4, 3, 3))
    rest = (1, 1), ((0, 0), (0, 0)), (1, 1), 1, 0, 0, -128, 127
    assert kernels.int8_conv2d(x, weight, bias, mantissa, shift, *rest) is not None
    assert kernels.int8_conv2d(x, np.ascontiguousarray(weight), bias, mantissa, shift, *rest) is None
    assert kernels.int8_conv2d(x.astype(np.uint8), weight, bias, mantissa, shift, *rest) is None
    assert kernels.int8_conv2d(x, weight, bias, mantissa, np.abs(shift) + np.int8(1), *rest) is None
    assert kernels.int8_conv2d(x, weight, bias[:3], mantissa, shift, *rest) is None
    assert kernels.int8_conv2d(x, weight, np.full(4, (1 << 31) - 1, np.int32), mantissa, shift, *rest) is None
    assert kernels.int8_conv2d(x[:, :, :2, :2], weight, bias, mantissa, shift, *rest) is None
    assert kernels.int8_conv2d(x, weight, bias, mantissa, shift, *rest[:4], 128, *rest[5:]) is None
    assert kernels.int8_linear(codes(rng, 2, 4), codes(rng, 4, 4), bias, mantissa, shift, 0, -128, 127) is not None
    assert kernels.int8_linear(codes(rng, 2, 4), codes(rng, 4, 4), bias, mantissa, -shift, 0, -128, 127) is None
    assert kernels.int8_linear(x[0, :, 0], weight[:, :, 0, 0], bias, mantissa, shift, 0, -128, 127) is None
    assert kernels.int8_add(x, np.ascontiguousarray(x), *[(0, 1 << 30, 0)] * 2, 1, -3, 0, -128, 127) is None
    assert kernels.int8_avg_pool2d(x, (2, 2), (2, 2), ((0, 0), (0, 0)), -128, 127) is None


@pytest.mark.parametrize(
    ("file", "shape"),
    [
        ("kws/kws_ref_model.tflite", (1, 49, 10)),
        ("ic/pretrainedResnet_quant.tflite", (3, 32, 32)),
        ("vww/vww_96_int8.tflite", (3, 96, 96)),
        ("ad/ad01_int8.tflite", (640,)),
    ],
)
def test_models_of_codes_give_the_same_codes(file, shape, real_data, rng):
    pytest.importorskip("tflite", reason="the package tflite is not installed")
    model = import_model(real_data(file))
    x = tt.from_numpy(rng.integers(-128, 128, (3, *shape), np.int8))
    with plugins.using():
        cores = model.codes(x).numpy()
    with plugins.using("accel"):
        for _ in range(2):  # the second time without checks
            same(model.codes(x).numpy(), cores)
