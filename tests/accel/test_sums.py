"""Sums over rows and columns: the right numbers, in an order that the threads do not change."""

import importlib.util

import numpy as np
import pytest
from accel.calls import core, numbers

kernels = pytest.importorskip("tinytorch_accel._native", reason="tinytorch-accel was installed without its kernels")
CASES = [
    ((1,), (0,)),
    ((7, 3), (0,)),
    ((7, 3), (1,)),
    ((7, 3), (0, 1)),
    ((70, 33), (0,)),
    ((70, 33), (1,)),
    ((300, 771), (0,)),
    ((300, 771), (1,)),
    ((4, 5, 67), (0, 1)),
    ((4, 5, 67), (0,)),
    ((4, 5, 67), (1, 2)),
    ((4, 5, 67), (2,)),
    ((900, 530), (0,)),
    ((40_000, 60), (0,)),
    ((3, 200_001), (1,)),
    ((2, 150_000), (0, 1)),
]


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize(("shape", "dims"), CASES, ids=str)
def test_sums_are_the_cores_and_the_same_bits_with_any_threads(shape, dims, keepdim, rng):
    x = numbers(rng, *shape)
    right, answers = np.sum(x, dims, np.float64, keepdims=keepdim), []
    for threads in (1, 2, 3):
        kernels.set_threads(threads)
        answers.append(kernels.reduce_sum(x, dims, keepdim))
    assert answers[0].shape == right.shape
    assert answers[0].tobytes() == answers[1].tobytes() == answers[2].tobytes()
    count = x.size // right.size
    np.testing.assert_allclose(answers[0], right, rtol=1e-6, atol=1e-6 * count**0.5)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
@pytest.mark.parametrize(("shape", "dims"), CASES, ids=str)
def test_the_distance_to_float64_is_at_most_twice_that_of_pytorch(shape, dims, rng):
    import torch

    x = numbers(rng, *shape)
    right = np.sum(x, dims, np.float64)
    mine, theirs = kernels.reduce_sum(x, dims, False) - right, torch.from_numpy(x).sum(dims).numpy() - right
    assert np.sqrt(np.mean(mine**2)) <= 2 * np.sqrt(np.mean(theirs**2))


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("dims", [(0,), (1,)])
def test_nan_and_inf_come_where_the_cores_come(dims, value, rng):
    x = numbers(rng, 70, 131)
    x[3, 5], x[40, 130] = value, -np.inf
    np.testing.assert_allclose(
        kernels.reduce_sum(x, dims, False), core("reduce_sum")(x, dims, False), rtol=1e-4, atol=1e-4
    )


def test_a_sum_that_is_too_large_is_inf_and_so_is_its_mean():
    x = np.full((3, 2), 3e38, np.float32)
    for dims in ((0,), (1,), (0, 1)):
        assert np.isinf(kernels.reduce_sum(x, dims, False)).all()
        assert np.isinf(kernels.reduce_mean(x, dims, False)).all()


def test_what_no_kernel_sums_is_declined():
    x = np.ones((4, 5, 6), np.float32)
    for other in [x.astype(np.float64), x[:0], x[..., ::2], np.array(1.0)]:
        assert kernels.reduce_sum(other, (0,), False) is None
    for dims in [(), (0, 2), (2, 3), (-1,), [0], 0]:
        assert kernels.reduce_sum(x, dims, False) is None


@pytest.mark.parametrize("dims", [(0, 2, 3), (2, 3), (1,), (3, 2), (0, 1, 2, 3)], ids=str)
def test_images_that_are_channels_last_are_summed_in_the_order_of_memory(dims, rng):
    x = np.ascontiguousarray(numbers(rng, 4, 8, 9, 3)).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(kernels.reduce_sum(x, dims, True), x.sum(dims, keepdims=True), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(("shape", "dims"), CASES, ids=str)
def test_means_are_sums_divided(shape, dims, rng):
    x = numbers(rng, *shape)
    right = np.mean(x, dims, np.float64)
    np.testing.assert_allclose(kernels.reduce_mean(x, dims, False), right, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("op", ["reduce_sum", "reduce_mean"])
def test_a_wrong_number_of_arguments_is_an_error(op):
    with pytest.raises(TypeError, match=f"^{op}: expected "):
        getattr(kernels, op)()


def test_any_true_value_keeps_dimensions(rng):
    x = rng.standard_normal((3, 4), np.float32)
    assert kernels.reduce_sum(x, (1,), 1).shape == kernels.reduce_sum(x, (1,), True).shape == (3, 1)
