"""Matrix products of every size and layout; how near they are to the right numbers."""

import importlib.util

import numpy as np
import pytest
from accel.calls import numbers

kernels = pytest.importorskip("tinytorch_accel._native", reason="tinytorch-accel was installed without its kernels")
SIZES = [(1, 1, 1), (1, 700, 33), (3, 65, 20), (8, 31, 9), (9, 17, 40), (24, 784, 33), (150, 5, 31), (147, 401, 50)]
LAYOUTS = {
    "rows": lambda x: x,
    "columns": lambda x: np.ascontiguousarray(x.T).T,
    "every second": lambda x: np.repeat(x, 2, 1)[:, ::2],
    "backwards": lambda x: np.ascontiguousarray(x[::-1])[::-1],
    "repeated": lambda x: np.broadcast_to(x[:1], x.shape),
}


def assert_near(mine, a, b):
    """Within the rounding of a sum as long as this one, of the right numbers."""
    right, most = np.matmul(a.astype(np.float64), b), np.matmul(np.abs(a).astype(np.float64), np.abs(b))
    assert (mine.shape, mine.dtype) == (right.shape, np.float32)
    assert (np.abs(mine - right) <= 1e-6 * most).all()


@pytest.mark.parametrize("of_b", LAYOUTS)
@pytest.mark.parametrize("of_a", LAYOUTS)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_matrices_in_any_layout_are_multiplied(size, of_a, of_b, rng):
    rows, inner, columns = size
    a, b = LAYOUTS[of_a](numbers(rng, rows, inner)), LAYOUTS[of_b](numbers(rng, inner, columns))
    assert_near(kernels.matmul(a, b), a, b)


@pytest.mark.parametrize(
    "shapes",
    [
        ((2, 3, 4, 5), (5, 6)),
        ((2, 3, 4, 5), (3, 5, 6)),
        ((4, 5), (2, 3, 5, 6)),
        ((1, 3, 4, 5), (2, 1, 5, 6)),
        ((5,), (3, 5, 6)),
        ((3, 4, 5), (5,)),
        ((5,), (5,)),
    ],
    ids=str,
)
def test_arrays_of_matrices_and_vectors_are_multiplied_as_by_numpy(shapes, rng):
    a, b = (numbers(rng, *shape) for shape in shapes)
    assert_near(kernels.matmul(a, b), a, b)


def test_matrices_that_are_turned_in_an_array_of_them_are_multiplied(rng):
    a, b = numbers(rng, 3, 20, 4, 16).transpose(0, 2, 1, 3), numbers(rng, 3, 20, 4, 16).transpose(0, 2, 3, 1)
    assert_near(kernels.matmul(a, b), a, b)


def test_a_product_longer_and_wider_than_is_copied_at_a_time_is_whole(rng):
    a, b = numbers(rng, 100, 3000), numbers(rng, 3000, 1100)
    assert_near(kernels.matmul(a, b), a, b)


@pytest.mark.parametrize("columns", [1, 2, 8, 17])
def test_a_very_long_sum_for_a_few_columns_is_whole(columns, rng):
    a, b = numbers(rng, 100, 200_000), numbers(rng, 200_000, columns)
    assert_near(kernels.matmul(a, b), a, b)
    assert_near(kernels.linear_weight_grad(b, a.T), b.T, a.T)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("with_bias", [True, False])
def test_a_linear_layer_adds_its_bias(size, with_bias, rng):
    rows, inner, columns = size
    x, weight, bias = numbers(rng, rows, inner), numbers(rng, columns, inner), numbers(rng, columns)
    one = np.ones((rows, 1), np.float32)
    mine = kernels.linear(x, weight, bias if with_bias else None)
    with_ones = np.hstack([x, one]), np.vstack([weight.T, bias[None]])
    assert_near(mine, *(with_ones if with_bias else (x, weight.T)))


def test_all_dimensions_but_the_last_are_rows(rng):
    x, weight, grad = numbers(rng, 2, 3, 4, 10), numbers(rng, 7, 10), numbers(rng, 2, 3, 4, 7)
    for form in (lambda each: each, lambda each: np.repeat(each, 2, 2)[:, :, ::2]):
        assert_near(kernels.linear(form(x), weight, None), x, weight.T)
        assert_near(kernels.linear_weight_grad(form(grad), form(x)), grad.reshape(24, 7).T, x.reshape(24, 10))


def test_rows_that_are_not_evenly_apart_are_declined(rng):
    x, weight = numbers(rng, 4, 3, 10)[:, :2], numbers(rng, 7, 10)
    assert kernels.linear(x, weight, None) is None
    assert kernels.linear_weight_grad(x, x) is None


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_stays_in_its_row_and_column(value, rng):
    a, b = numbers(rng, 30, 20), numbers(rng, 20, 35)
    a[7, 3] = value
    mine = kernels.matmul(a, b)
    assert not np.isfinite(mine[7]).any()
    assert np.isfinite(np.delete(mine, 7, 0)).all()


@pytest.mark.parametrize("size", [(1, 3000, 2000), (500, 300, 400), (5, 900, 800)], ids=str)
def test_one_thread_and_several_give_the_same_bits(size, rng):
    rows, inner, columns = size
    a, b = numbers(rng, rows, inner), numbers(rng, columns, inner).T
    answers = []
    for threads in (1, 2, 3):
        kernels.set_threads(threads)
        answers.append(kernels.matmul(a, b).tobytes())
    assert answers[0] == answers[1] == answers[2]


def odd(array):
    memory = np.empty(array.nbytes + 1, np.uint8)[1:]
    memory[:] = np.frombuffer(array.tobytes(), np.uint8)
    return memory.view(array.dtype).reshape(array.shape)


@pytest.mark.parametrize("op", ["matmul", "linear", "linear_weight_grad"])
@pytest.mark.parametrize(
    "change",
    [
        odd,
        lambda x: x.astype(np.float64),
        lambda x: x[:0],
        lambda x: x.astype(x.dtype.newbyteorder()),
        lambda x: x[0, 0],
    ],
)
def test_what_no_kernel_reads_is_declined_in_every_place(op, change, rng):
    args = [numbers(rng, 6, 6), numbers(rng, 6, 6), None][: 3 if op == "linear" else 2]
    for place in range(2):
        changed = [*args[:place], change(args[place]), *args[place + 1 :]]
        assert getattr(kernels, op)(*changed) is None


def test_matrices_that_do_not_fit_are_declined(rng):
    a, b = numbers(rng, 3, 4), numbers(rng, 5, 6)
    assert kernels.matmul(a, b) is None
    assert kernels.matmul(numbers(rng, 2, 3, 4), numbers(rng, 3, 4, 5)) is None
    assert kernels.linear(a, b, None) is None
    assert kernels.linear(a, numbers(rng, 6, 4), numbers(rng, 5)) is None
    assert kernels.linear_weight_grad(a, b) is None


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
@pytest.mark.parametrize(
    "size", [(128, 784, 256), (1, 640, 128), (6, 2000, 10), (64, 64, 64), (300, 4000, 30)], ids=str
)
def test_the_distance_to_float64_is_at_most_twice_that_of_pytorch(size, rng):
    import torch

    rows, inner, columns = size
    a, b = numbers(rng, rows, inner), numbers(rng, columns, inner).T
    right = a.astype(np.float64) @ b.astype(np.float64)
    mine, theirs = kernels.matmul(a, b), (torch.from_numpy(a) @ torch.from_numpy(b)).numpy()
    assert np.sqrt(np.mean((mine - right) ** 2)) <= 2 * np.sqrt(np.mean((theirs - right) ** 2))


def test_the_core_is_asked_where_it_is_as_fast(rng):
    a, b = numbers(rng, 4, 700), numbers(rng, 700, 700)
    assert kernels.matmul(a, b) is None
    assert_near(kernels.matmul(a, b.T), a, b.T)
