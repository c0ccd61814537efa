"""Arithmetic: the core's numbers bit for bit, whatever the shapes, the threads and the numbers."""

import numpy as np
import pytest
from accel.calls import core, numbers

kernels = pytest.importorskip("tinytorch_accel._native", reason="tinytorch-accel was installed without its kernels")

BROADCAST = [
    ((7,), (7,)),
    ((), ()),
    ((33, 17), (17,)),
    ((33, 17), ()),
    ((33, 17), (1,)),
    ((33, 17), (33, 1)),
    ((33, 17), (1, 17)),
    ((300, 771), (771,)),
    ((9000, 3), (3,)),
    ((9000, 1), (1,)),
    ((4, 3, 5, 7), (3, 1, 1)),
    ((4, 3, 50, 70), (1, 3, 1, 1)),
    ((4, 3, 5, 7), (5, 7)),
    ((4, 1, 5), (4, 1, 1)),
    ((2, 1), (2, 1)),
    ((5000, 3), (5000, 1)),
    ((500, 5, 2), (5, 1)),
    ((1, 1), (1,)),
]
OPS_OF_TWO = ["add", "subtract", "multiply", "divide"]
OPS_OF_SAME_SHAPE = ["tanh_grad", "sigmoid_grad", "relu_grad"]
OPS_OF_ONE = ["negative", "absolute", "sqrt", "relu"]
BOUNDS = [(-1.0, 1.0), (None, 0.5), (0.0, None), (None, 0.0), (0, 6), (2.0, -2.0), (-0.0, 0.0), (0.0, -0.0)]


def difficult(rng, *shape):
    """With zeros, infinities, nan and numbers too small to be normal in between."""
    out = np.array(numbers(rng, *shape))
    chosen = rng.random(shape) < 0.2
    out[chosen] = rng.choice(np.float32([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-40, 3e38]), shape)[chosen]
    return out


def cores(op, *args):
    with np.errstate(all="ignore"):
        return core(op)(*args)


def same_bits(mine, right):
    right = np.asarray(right)
    assert (type(mine), mine.shape, mine.dtype) == (np.ndarray, right.shape, right.dtype)
    is_nan = np.isnan(right)
    assert (np.isnan(mine) == is_nan).all()
    assert mine[~is_nan].tobytes() == right[~is_nan].tobytes()


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("shapes", BROADCAST, ids=str)
@pytest.mark.parametrize("op", OPS_OF_TWO)
def test_two_arrays_give_the_cores_bits_whichever_is_the_smaller(op, shapes, threads, rng):
    kernels.set_threads(threads)
    a, b = (difficult(rng, *shape) for shape in shapes)
    same_bits(getattr(kernels, op)(a, b), cores(op, a, b))
    same_bits(getattr(kernels, op)(b, a), cores(op, b, a))


def channels_last(array):
    return np.ascontiguousarray(array.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


@pytest.mark.parametrize(
    "shape", [(4, 3, 5, 7), (3, 1, 1), (1, 3, 1, 1), (5, 7), (4, 3, 1, 1), (4, 1, 5, 7), ()], ids=str
)
@pytest.mark.parametrize("op", OPS_OF_TWO)
def test_channels_last_stays_so_whatever_goes_with_it(op, shape, rng):
    a, b = channels_last(difficult(rng, 4, 3, 5, 7)), difficult(rng, *shape)
    b = channels_last(b) if b.shape == a.shape else b
    for args in ((a, b), (b, a)):
        mine = getattr(kernels, op)(*args)
        if shape == (4, 3, 1, 1):  # three numbers, 35 times in a row, and then the next three
            assert mine is None
            continue
        same_bits(np.ascontiguousarray(mine), np.ascontiguousarray(cores(op, *args)))
        assert mine.strides == a.strides


@pytest.mark.parametrize("op", [*OPS_OF_SAME_SHAPE, *OPS_OF_ONE])
def test_functions_give_the_order_of_dimensions_that_they_got(op, rng):
    args = [channels_last(difficult(rng, 4, 3, 5, 7)) for _ in range(1 if op in OPS_OF_ONE else 2)]
    mine = getattr(kernels, op)(*args)
    assert mine.strides == args[0].strides
    same_bits(np.ascontiguousarray(mine), np.ascontiguousarray(cores(op, *args)))


@pytest.mark.parametrize("op", OPS_OF_TWO)
def test_what_broadcast_to_made_is_read_as_what_it_was_made_of(op, rng):
    a = difficult(rng, 6, 5)
    for shape in ((5,), (6, 1), (1, 1), ()):
        b = np.broadcast_to(difficult(rng, *shape), a.shape)
        same_bits(getattr(kernels, op)(a, b), cores(op, a, b))
        same_bits(getattr(kernels, op)(b, a), cores(op, b, a))


@pytest.mark.parametrize("size", [1, 7, 8, 31, 33, 130, 20_001])
@pytest.mark.parametrize("op", [*OPS_OF_SAME_SHAPE, *OPS_OF_ONE])
def test_derivatives_and_functions_give_the_cores_bits(op, size, rng):
    args = [difficult(rng, size) for _ in range(1 if op in OPS_OF_ONE else 2)]
    same_bits(getattr(kernels, op)(*args), cores(op, *args))


@pytest.mark.parametrize("scale", [0.0, 1.25, 2.0])
@pytest.mark.parametrize("size", [1, 7, 8, 31, 33, 130, 20_001])
def test_dropout_gives_the_cores_bits(size, scale, rng):
    x, mask = difficult(rng, size), rng.random(size) < 0.5
    same_bits(kernels.dropout(x, mask, scale), cores("dropout", x, mask, scale))


@pytest.mark.parametrize("size", [1, 8, 33, 20_001])
def test_select_gives_the_cores_bits(size, rng):
    condition, a, b = rng.random(size) < 0.5, difficult(rng, size), difficult(rng, size)
    number = np.array(-0.0, np.float32)
    for args in ((condition, a, b), (condition, number, b), (condition, a, number)):
        same_bits(kernels.select(*args), cores("select", *args))


def test_select_declines_what_the_condition_does_not_fit(rng):
    x = difficult(rng, 4, 6)
    for condition, a, b in [(x > 0, x, x[0]), ((x > 0)[0], x, x), (x > 0, x.T, x), (x, x, x), (x > 0, x, 1.0)]:
        assert kernels.select(condition, a, b) is None


@pytest.mark.parametrize("bounds", BOUNDS, ids=str)
@pytest.mark.parametrize("size", [1, 8, 33, 20_001])
def test_clip_gives_the_cores_bits(size, bounds, rng):
    x = difficult(rng, size)
    same_bits(kernels.clip(x, *bounds), cores("clip", x, *bounds))


def test_clip_declines_bounds_that_are_no_numbers(rng):
    x = difficult(rng, 8)
    for bounds in [(None, None), (np.nan, 1.0), (0.0, "1"), (x, None)]:
        assert kernels.clip(x, *bounds) is None


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("op", [*OPS_OF_TWO, *OPS_OF_SAME_SHAPE])
def test_threads_share_large_arrays(op, threads, rng):
    kernels.set_threads(threads)
    a, b = difficult(rng, 300, 771), difficult(rng, 300, 771)
    same_bits(getattr(kernels, op)(a, b), cores(op, a, b))


@pytest.mark.parametrize(
    ("a", "b"), [((2, 1), (1, 3)), ((3, 4), (4, 3)), ((4, 3, 5), (4, 1, 5)), ((5,), (1, 5)), ((3,), (4,)), ((), (1,))]
)
@pytest.mark.parametrize("op", OPS_OF_TWO)
def test_shapes_of_which_neither_repeats_the_other_are_declined(op, a, b):
    a, b = np.ones(a, np.float32), np.ones(b, np.float32)
    answer = getattr(kernels, op)(a, b)
    assert answer is None or answer.shape == np.broadcast_shapes(a.shape, b.shape)
    assert (answer is None) == (a.shape not in {(5,), ()})  # then b is the larger one


@pytest.mark.parametrize("op", [*OPS_OF_TWO, *OPS_OF_SAME_SHAPE])
def test_arrays_of_other_kinds_are_declined_in_either_place(op):
    x = np.ones((4, 6), np.float32)
    others = [x.astype(np.float64), x.astype(int), x[:0], np.ones((6, 4), np.float32).T, x > 0, 2.0]
    for other in others:
        assert getattr(kernels, op)(x, other) is None
        assert getattr(kernels, op)(other, x) is None


@pytest.mark.parametrize("op", OPS_OF_ONE)
def test_one_array_of_another_kind_is_declined(op):
    x = np.ones((4, 6), np.float32)
    for other in [x.astype(np.float64), x.astype(int), x[:0], x[:, ::2], 2.0]:
        assert getattr(kernels, op)(other) is None


def test_a_mask_that_is_none_for_x_is_declined():
    x = np.ones((4, 6), np.float32)
    for mask in [x, x[:3] > 0, np.ones((6, 4), bool).T, np.ones((4, 12), bool)[:, ::2], np.ones(6, bool), None]:
        assert kernels.dropout(x, mask, 2.0) is None


@pytest.mark.parametrize("op", [*OPS_OF_TWO, *OPS_OF_SAME_SHAPE, *OPS_OF_ONE, "dropout", "select", "clip"])
def test_a_wrong_number_of_arguments_is_an_error(op):
    with pytest.raises(TypeError, match=f"^{op}: expected "):
        getattr(kernels, op)()


def test_gradients_of_other_shapes_are_declined():
    assert kernels.tanh_grad(np.ones((4, 6), np.float32), np.ones(6, np.float32)) is None


def test_arrays_that_no_cache_holds_get_the_cores_bits(rng):
    a = numbers(rng, 1501, 1401)
    row, column, mask = a[0].copy(), a[:, :1].copy(), a > 0
    same_bits(kernels.negative(a), cores("negative", a))
    same_bits(kernels.add(a, a), cores("add", a, a))
    same_bits(kernels.multiply(a, row), cores("multiply", a, row))
    same_bits(kernels.subtract(column, a), cores("subtract", column, a))
    same_bits(kernels.select(mask, a, row[0:1].reshape(())), cores("select", mask, a, row[0:1].reshape(())))
