"""Memory is used again, and never while anybody holds it."""

import gc
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

import tinytorch_accel

kernels = pytest.importorskip("tinytorch_accel._native", reason="tinytorch-accel was installed without its kernels")
X = np.linspace(-3, 3, 100_000, dtype=np.float32).reshape(100, 1000)


@pytest.fixture(autouse=True)
def _fresh():
    gc.collect()
    before = kernels.memory()["most"]
    kernels.release_memory()
    yield
    kernels.keep_at_most(before)


def in_use():
    return tinytorch_accel.memory()["in_use"]


def test_an_output_is_an_array_like_any_other():
    out, _ = kernels.gelu(X, "none")
    assert (type(out), out.base, out.flags.owndata, out.flags.writeable) == (np.ndarray, None, True, True)
    assert out.ctypes.data % 64 == 0


def test_freed_memory_is_used_again():
    kernels.gelu(X, "none")
    before = kernels.memory()
    kernels.gelu(X, "none")
    after = kernels.memory()
    assert (after["hits"] - before["hits"], after["misses"] - before["misses"]) == (2, 0)


@pytest.mark.parametrize(
    "hold",
    [
        lambda out: out,
        lambda out: out[3:5, ::2],
        lambda out: out.T,
        memoryview,
        lambda out: np.asarray(out.ravel()[7:]),
        lambda out: np.lib.stride_tricks.as_strided(out, (2, 2), (0, 4)),
        np.from_dlpack,
    ],
)
def test_memory_that_is_held_is_not_handed_out(hold):
    held = hold(kernels.gelu(X, "none")[0])
    before, others = bytes(held), [kernels.gelu(-X, "tanh") for _ in range(20)]
    assert bytes(held) == before
    assert not any(np.may_share_memory(np.asarray(held), each) for pair in others for each in pair)


def test_living_arrays_have_memory_of_their_own():
    arrays = [each for _ in range(10) for each in kernels.gelu(X, "none")]
    starts = sorted(each.ctypes.data for each in arrays)
    assert all(after - before >= X.nbytes for before, after in pairwise(starts))


def test_what_is_in_use_comes_back_when_arrays_go():
    before = in_use()
    arrays = kernels.gelu(X, "none")
    assert in_use() - before >= 2 * X.nbytes
    del arrays
    assert in_use() == before


def test_ten_thousand_calls_leave_nothing():
    before = in_use()
    small = X[:2]
    for _ in range(10_000):
        kernels.layer_norm(small, None, None, 1, 1e-5)
    assert in_use() == before
    assert kernels.memory()["kept"] < 1 << 20


def test_no_more_is_kept_than_the_bound():
    kernels.keep_at_most(1 << 20)
    for rows in range(1, 100):
        kernels.gelu(X[:rows], "none")
        assert kernels.memory()["kept"] <= 1 << 20
    kernels.keep_at_most(0)
    kernels.gelu(X, "none")
    assert kernels.memory()["kept"] == 0


def test_release_gives_back_what_is_kept_and_nothing_that_lives():
    living = kernels.gelu(X, "none")[0]
    before = living.copy()
    tinytorch_accel.release_memory()
    assert kernels.memory()["kept"] == 0
    assert np.array_equal(living, before)


def test_an_output_can_be_resized_in_place():
    out = kernels.gelu(X, "none")[0]
    first = out[0].copy()
    out.resize((200, 1000), refcheck=False)
    assert np.array_equal(out[0], first)
    assert not out[100:].any()
    out.resize((1, 10), refcheck=False)
    assert np.array_equal(out[0], first[:10])


def test_tracemalloc_sees_outputs_as_it_sees_numpys():
    tracemalloc.start()
    try:
        out = kernels.gelu(X, "none")
        assert tracemalloc.get_traced_memory()[0] >= 2 * X.nbytes
        del out
        assert tracemalloc.get_traced_memory()[0] < X.nbytes
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [*range(1, 70), 4095, 4096, 4097, 5 << 12, (5 << 12) + 1, 7 << 20, (7 << 20) + 3])
def test_a_block_is_large_enough_and_at_most_a_quarter_too_large(size):
    before, x = in_use(), np.zeros(size, np.float32)
    arrays = kernels.gelu(x, "none")
    taken = (in_use() - before) / 2
    assert taken == 0 if x.nbytes < 4096 else x.nbytes <= taken <= 1.25 * x.nbytes
    del arrays
