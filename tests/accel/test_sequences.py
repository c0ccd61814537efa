"""Vectors looked up, turned and joined: the core's answers, whatever the memory, and what is declined."""

import importlib.util

import numpy as np
import pytest
from accel.calls import core, numbers

kernels = pytest.importorskip("tinytorch_accel._native", reason="tinytorch-accel was installed without its kernels")
TABLES = [(1, 1, (1,)), (7, 5, (3,)), (65, 128, (4, 9)), (300, 771, (2, 5, 6)), (9, 8, ()), (5000, 33, (700,))]


def answers(op, *args):
    """With one thread and more."""
    given = []
    for threads in (1, 2, 3):
        kernels.set_threads(threads)
        given.append(getattr(kernels, op)(*args))
    assert given[0].tobytes() == given[1].tobytes() == given[2].tobytes()
    return given[0]


@pytest.mark.parametrize(("rows", "width", "shape"), TABLES, ids=str)
def test_looking_up_gives_the_cores_bits(rows, width, shape, rng):
    weight, indices = numbers(rng, rows, width), rng.integers(0, rows, shape)
    np.testing.assert_array_equal(
        answers("embedding", weight, np.asarray(indices)), core("embedding")(weight, indices), strict=True
    )


@pytest.mark.parametrize(("rows", "width", "shape"), TABLES, ids=str)
def test_gradients_of_what_was_looked_up_are_the_cores(rows, width, shape, rng):
    grad, indices = numbers(rng, *shape, width), np.asarray(rng.integers(0, rows, shape))
    mine = answers("embedding_grad", grad, indices, (rows, width))
    np.testing.assert_allclose(
        mine, core("embedding_grad")(grad, indices, (rows, width)), rtol=1e-5, atol=1e-5, strict=True
    )


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
def test_the_gradients_distance_to_float64_is_at_most_twice_that_of_pytorch(rng):
    import torch

    grad, indices = numbers(rng, 4000, 32), rng.integers(0, 5, 4000)
    right = core("embedding_grad")(grad.astype(np.float64), indices, (5, 32))
    theirs = torch.ops.aten.embedding_dense_backward(torch.from_numpy(grad), torch.from_numpy(indices), 5, -1, False)
    mine = kernels.embedding_grad(grad, indices, (5, 32))
    assert np.square(mine - right).mean() <= 4 * np.square(theirs.numpy() - right).mean()


def test_indices_need_not_lie_in_a_row(rng):
    weight, indices = numbers(rng, 9, 4), rng.integers(0, 9, (6, 5))[:, ::2]
    np.testing.assert_array_equal(kernels.embedding(weight, indices), weight[indices])


@pytest.mark.parametrize("index", [-1, 9, -(2**63), 2**63 - 1])
def test_an_index_beyond_the_table_is_left_to_the_core(index, rng):
    indices = np.array([0, index])
    assert kernels.embedding(numbers(rng, 9, 4), indices) is None
    assert kernels.embedding_grad(numbers(rng, 2, 4), indices, (9, 4)) is None


def test_what_is_no_table_or_no_index_is_declined(rng):
    weight, indices = numbers(rng, 9, 4), np.array([1, 2])
    for table in (weight.astype(float), weight[0], weight[:, ::2], weight[:0]):
        assert kernels.embedding(table, indices) is None
    for wrong in (indices.astype(np.int32), indices[:0], indices > 1, 1):
        assert kernels.embedding(weight, wrong) is None
    assert kernels.embedding_grad(numbers(rng, 2, 3), indices, (9, 4)) is None
    assert kernels.embedding_grad(numbers(rng, 2, 4), indices, [9, 4]) is None


def heads(x):
    """(batch, time, heads, width) as (batch, heads, time, width)."""
    return x.transpose(0, 2, 1, 3)


@pytest.mark.parametrize("interleaved", [False, True])
@pytest.mark.parametrize("angles", [(5, 9), (1, 5, 9), (2, 1, 5, 9), (2, 3, 5, 9), (1, 9), (9,)], ids=str)
@pytest.mark.parametrize("layout", ["row-major", "heads behind time", "a part of a wider array"])
def test_turning_gives_the_cores_answers(layout, angles, interleaved, rng):
    x = {
        "row-major": lambda: numbers(rng, 2, 3, 5, 18),
        "heads behind time": lambda: heads(numbers(rng, 2, 5, 3, 18)),
        "a part of a wider array": lambda: heads(numbers(rng, 2, 5, 9, 18)[:, :, 3:6]),
    }[layout]()
    cos, sin = numbers(rng, *angles), numbers(rng, *angles)
    mine, cores = answers("rotary", x, cos, sin, interleaved), core("rotary")(x, cos, sin, interleaved)
    np.testing.assert_allclose(mine, cores, rtol=1e-5, atol=1e-5, strict=True)
    assert mine.strides == cores.strides


def test_turning_takes_fewer_dimensions_and_large_arrays(rng):
    for shape in ((8,), (5, 8), (3, 5, 8), (4, 8, 256, 64)):
        x, angles = numbers(rng, *shape), numbers(rng, 2, *shape[-2:-1], shape[-1] // 2)
        np.testing.assert_allclose(
            answers("rotary", x, *angles, False), core("rotary")(x, *angles, False), rtol=1e-5, atol=1e-5
        )


def test_vectors_that_cannot_be_turned_here_are_declined(rng):
    x, angles = numbers(rng, 2, 3, 5, 8), numbers(rng, 5, 4)
    for wrong in (x.astype(float), x[..., ::2], x[:0], x[None], x[..., :6], x[..., :7], x[:, :, :4]):
        assert kernels.rotary(wrong, angles, angles, False) is None
    for wrong in (angles.astype(float), angles[:, ::2], angles[:4], numbers(rng, 1, 1, 1, 5, 4), angles.T):
        assert kernels.rotary(x, wrong, angles, False) is None
        assert kernels.rotary(x, angles, wrong, False) is None


@pytest.mark.parametrize(
    ("shapes", "dim"),
    [
        ([(3,)], 0),
        ([(3,), (5,), (1,)], 0),
        ([(2, 3), (4, 3)], 0),
        ([(2, 3), (2, 1), (2, 6)], 1),
        ([(4, 2, 5), (4, 7, 5)], 1),
        ([(300, 400), (200, 400)], 0),
        ([(300, 400), (300, 7), (300, 401)], 1),
    ],
    ids=str,
)
def test_joining_gives_the_cores_bits(shapes, dim, rng):
    parts = [numbers(rng, *shape) for shape in shapes]
    np.testing.assert_array_equal(answers("concatenate", parts, dim), np.concatenate(parts, dim), strict=True)


def test_parts_that_cannot_be_joined_here_are_declined(rng):
    x = numbers(rng, 4, 6)
    for other in (x.astype(float), x[0], x[:0], x.T, x[:, ::2], x[:, :5]):
        assert kernels.concatenate([x, other], 0) is None
        assert kernels.concatenate([other, x], 0) is None
    assert kernels.concatenate([], 0) is None
    assert kernels.concatenate([x] * 65, 0) is None
    assert kernels.concatenate([x, x], 2) is None
    assert kernels.concatenate((x, x), 0) is None


@pytest.mark.parametrize("op", ["embedding", "embedding_grad", "rotary", "concatenate"])
def test_a_wrong_number_of_arguments_is_an_error(op):
    with pytest.raises(TypeError, match=f"^{op}: expected "):
        getattr(kernels, op)()


def test_any_true_value_turns_neighbours(rng):
    x, angles = rng.standard_normal((3, 4), np.float32), rng.standard_normal((3, 2), np.float32)
    assert np.array_equal(kernels.rotary(x, angles, angles, 1), kernels.rotary(x, angles, angles, True))


def test_a_table_of_no_rows_or_fewer_is_declined(rng):
    grad, indices = rng.standard_normal((3, 4), np.float32), np.zeros(3, np.int64)
    assert kernels.embedding_grad(grad, indices, (-1, 4)) is None
    assert kernels.embedding_grad(grad, indices, (0, 4)) is None
