"""Attention by tiles: the core's numbers for every size, mask and layout, the same bits for any number of threads."""

import importlib.util

import numpy as np
import pytest
from accel.calls import core

kernels = pytest.importorskip("tinytorch_accel._native", reason="tinytorch-accel was installed without its kernels")
SIZES = {  # batch, heads, key heads, time, keys, width, out
    "one number": (1, 1, 1, 1, 1, 1, 1),
    "odd": (2, 3, 3, 33, 33, 7, 5),
    "a GPT": (2, 4, 4, 64, 64, 32, 32),
    "shared key heads": (1, 6, 2, 50, 50, 16, 16),
    "more keys": (1, 2, 1, 19, 131, 64, 33),
    "more queries": (1, 2, 2, 131, 19, 31, 128),
    "long": (1, 1, 1, 257, 257, 128, 128),
    "one query": (2, 6, 2, 1, 5, 7, 33),
    "one query, many keys": (3, 4, 4, 1, 613, 64, 37),
}
MASKS = ["none", "causal", "bool", "float", "one for all"]
OPS = ["attention", "attention_grad"]


def attention(rng, size, mask="none"):
    batch, heads, key_heads, time, keys, width, out = size
    full = {"bool": (batch, heads, time, keys), "float": (batch, 1, time, keys), "one for all": (1, 1, 1, keys)}.get(
        mask
    )
    given = None if full is None else rng.random(full) < 0.6
    if mask == "float":
        given = np.where(given, rng.standard_normal(full, np.float32), np.float32(-np.inf))
    q, k, v = (
        side_by_side(rng, *shape)
        for shape in ((batch, heads, time, width), (batch, key_heads, keys, width), (batch, key_heads, keys, out))
    )
    return q, k, v, given, mask == "causal", width**-0.5


def side_by_side(rng, batch, heads, time, width):
    return rng.standard_normal((batch, time, heads, width), np.float32).transpose(0, 2, 1, 3)


def attention_grad(rng, size, mask="none"):
    q, k, v, given, causal, scale = attention(rng, size, mask)
    out, log_sums = core("attention")(q, k, v, given, causal, scale)
    return side_by_side(rng, *out.shape), q, k, v, given, out, log_sums, causal, scale


CALLS = {"attention": attention, "attention_grad": attention_grad}


def strides(array):
    return [distance for distance, size in zip(array.strides, array.shape, strict=True) if size > 1]


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("op", OPS)
def test_every_size_and_mask_gives_the_cores_numbers(op, size, mask, rng):
    args = CALLS[op](rng, SIZES[size], mask)
    for mine, cores in zip(getattr(kernels, op)(*args), core(op)(*args), strict=True):
        assert (mine.shape, mine.dtype) == (cores.shape, cores.dtype)
        assert strides(mine) == strides(cores)
        np.testing.assert_allclose(mine, cores, rtol=1e-5, atol=1e-5)  # sums over 257 keys or queries


@pytest.mark.parametrize("op", OPS)
def test_any_number_of_threads_gives_the_same_bits(op, rng):
    args, answers = CALLS[op](rng, (3, 6, 2, 150, 150, 32, 24), "causal"), []
    for threads in (1, 2, 3):
        kernels.set_threads(threads)
        answers.append([each.tobytes() for each in getattr(kernels, op)(*args)])
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize("size", ["odd", "shared key heads", "long"])
def test_a_query_that_sees_nothing_gives_zeros_and_no_gradient(size, rng):
    q, k, v, _, causal, scale = attention(rng, SIZES[size])
    mask = np.ones((1, 1, q.shape[2], k.shape[2]), bool)
    mask[:, :, 3] = False
    out, log_sums = kernels.attention(q, k, v, mask, causal, scale)
    by_q, _, _ = kernels.attention_grad(np.ones_like(out), q, k, v, mask, out, log_sums, causal, scale)
    for nothing in (out, log_sums, by_q):
        assert not nothing[:, :, 3].any()
    assert out[:, :, 2].any()


def test_scores_that_rise_from_tile_to_tile_do_not_overflow(rng):
    q, k, v, *_ = attention(rng, (1, 1, 1, 20, 200, 8, 8))
    q, k = np.ceil(np.abs(q)), np.ceil(np.abs(k)) * np.arange(200, dtype=np.float32)[:, None]  # no score is rounded
    for mine, cores in zip(
        kernels.attention(q, k, v, None, False, 1.0), core("attention")(q, k, v, None, False, 1.0), strict=True
    ):
        np.testing.assert_allclose(mine, cores, rtol=1e-5, atol=1e-5)


CHANGES = {
    "strided": lambda x: np.repeat(x, 2, -1)[..., ::2],
    "float64": lambda x: x.astype(np.float64),
    "swapped": lambda x: x.astype(x.dtype.newbyteorder()),
    "empty": lambda x: x[:0],
    "of fewer heads": lambda x: x[:, :-1],
    "of less time": lambda x: x[:, :, :-1],
    "of less width": lambda x: x[..., :-1],
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("op", OPS)
def test_what_the_kernel_cannot_read_or_does_not_fit_is_declined(op, place, change, rng):
    args = list(CALLS[op](rng, (2, 4, 4, 9, 9, 6, 6)))
    args[place] = CHANGES[change](args[place])
    wide = op == "attention" and change == "of less width" and place == 2
    shared = op == "attention" and change == "of less time" and place == 0
    assert (getattr(kernels, op)(*args) is None) != (wide or shared)


def test_vectors_longer_than_the_tiles_are_declined(rng):
    assert kernels.attention(*attention(rng, (1, 1, 1, 4, 4, 129, 4))) is None
    assert kernels.attention(*attention(rng, (1, 1, 1, 4, 4, 4, 129))) is None


@pytest.mark.parametrize("mask", [np.ones((1, 1, 1, 9), np.int8), np.ones((1, 1, 1, 8), bool), np.ones((9, 9), bool)])
def test_a_mask_that_is_none_is_declined(mask, rng):
    args = attention(rng, (2, 4, 4, 9, 9, 6, 6))
    assert kernels.attention(*args[:3], mask, *args[4:]) is None


def error(answer, right):
    return float(np.sqrt(np.mean(np.square(answer.astype(np.float64) - right))))


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("size", ["odd", "a GPT", "long"])
def test_the_distance_to_float64_is_at_most_twice_that_of_pytorch(size, causal, rng):
    import torch

    batch, heads, _, time, keys, width, _ = SIZES[size]
    grad, q, k, v, *_, scale = attention_grad(rng, (batch, heads, heads, time, keys, width, width))
    tensors = [torch.from_numpy(each).requires_grad_() for each in (q, k, v)]
    theirs = torch.nn.functional.scaled_dot_product_attention(*tensors, is_causal=causal)
    theirs.backward(torch.from_numpy(grad))
    mine = kernels.attention(q, k, v, None, causal, scale)
    mine = [mine[0], *kernels.attention_grad(grad, q, k, v, None, *mine, causal, scale)]
    wide = [each.astype(np.float64) for each in (grad, q, k, v)]
    right = core("attention")(*wide[1:], None, causal, scale)
    right = [right[0], *core("attention_grad")(*wide, None, *right, causal, scale)]
    for ours, torchs, exact in zip(mine, [theirs, *(each.grad for each in tensors)], right, strict=True):
        assert error(ours, exact) <= 2 * error(torchs.detach().numpy(), exact)
