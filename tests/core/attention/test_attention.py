"""Scaled dot-product attention: what it promises for every shape and mask."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinytorch as tt
import tinytorch.nn.functional as F
from tinytorch.core.attention import scaled
from tinytorch.core.attention.functions import attended
from tinytorch.testing import cases_for, check_gradient

SIZES = st.integers(1, 5)


def drawn(seed, *shapes):
    rng = np.random.default_rng(seed)
    return [tt.tensor(rng.standard_normal(shape)) for shape in shapes]


@given(st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_the_op_equals_the_formula_written_with_ops(seed):
    (case,) = cases_for("attention")
    q, k, v, mask, causal, scale = case.sample(np.random.default_rng(seed), np.dtype("float64"))
    tensors = [tt.Tensor(each) for each in (q, k, v)]
    mask = None if mask is None else tt.Tensor(mask)
    out = scaled.attention(*tensors, mask, causal, scale)[0]
    assert np.allclose(out.numpy(), attended(*tensors, mask, causal, scale)[0].numpy(), atol=1e-12)


@pytest.mark.parametrize("size", [0, 1, 100, 1 << 30])
def test_the_size_of_a_block_changes_nothing(monkeypatch, size):
    q, k, v = (x.requires_grad_() for x in drawn(0, (3, 4, 5, 2), (3, 2, 6, 2), (3, 2, 6, 3)))
    mask = tt.tensor(np.random.default_rng(1).random((3, 4, 5, 6)) < 0.6)

    def answers():
        out = F.scaled_dot_product_attention(q, k, v, mask, enable_gqa=True)
        return [out.detach(), *tt.autograd.grad((out * out).sum(), [q, k, v])]

    expected = answers()
    monkeypatch.setattr(scaled, "BLOCK_BYTES", size)
    for one, other in zip(answers(), expected, strict=True):
        assert np.allclose(one.numpy(), other.numpy(), atol=1e-13)


@given(st.integers(0, 1000), SIZES, SIZES, SIZES)
@settings(max_examples=40, deadline=None)
def test_a_later_token_changes_nothing_before_it(seed, batch, time, width):
    q, k, v = drawn(seed, *[(batch, 2, time, width)] * 3)
    place = seed % time
    before = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    for x in (q, k, v):
        x[:, :, place:] = x[:, :, place:] * 3 + 1
    after = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    assert np.array_equal(before[:, :, :place].numpy(), after[:, :, :place].numpy())


@given(st.integers(0, 1000), SIZES, SIZES)
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_keys_does_not_matter(seed, time, keys):
    q, k, v = drawn(seed, (2, 2, time, 3), (2, 2, keys, 3), (2, 2, keys, 4))
    order = np.random.default_rng(seed).permutation(keys).tolist()
    one = F.scaled_dot_product_attention(q, k, v)
    other = F.scaled_dot_product_attention(q, k[:, :, order], v[:, :, order])
    assert np.allclose(one.numpy(), other.numpy(), atol=1e-13)


@given(st.integers(0, 1000), SIZES, SIZES)
@settings(max_examples=40, deadline=None)
def test_padding_changes_no_answer(seed, keys, padding):
    q, k, v, more = drawn(seed, (2, 1, 3, 2), (2, 1, keys, 2), (2, 1, keys, 2), (2, 1, padding, 2))
    more = more * 100
    mask = tt.arange(keys + padding) < keys
    one = F.scaled_dot_product_attention(q, k, v)
    other = F.scaled_dot_product_attention(q, tt.cat([k, more], 2), tt.cat([v, more], 2), mask.reshape(1, 1, 1, -1))
    assert np.allclose(one.numpy(), other.numpy(), atol=1e-13)


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("mask", [tt.zeros(2, 3).bool(), tt.full((2, 3), -float("inf")).double()])
def test_a_query_that_sees_nothing_gets_zeros_and_gives_no_nan(mask, create_graph):
    q, k, v = (x.requires_grad_() for x in drawn(0, (1, 1, 2, 4), (1, 1, 3, 4), (1, 1, 3, 4)))
    out = F.scaled_dot_product_attention(q, k, v, mask)
    gradients = tt.autograd.grad(out.sum(), [q, k, v], create_graph=create_graph)
    for each in (out, *gradients):
        assert not each.detach().numpy().any()


def test_a_mask_may_learn():
    q, k, v, mask = (x.numpy() for x in drawn(0, (1, 2, 3, 4), (1, 2, 5, 4), (1, 2, 5, 2), (3, 5)))
    check_gradient(F.scaled_dot_product_attention, [q, k, v, mask], order=2)


def test_dropout_drops_weights_and_keeps_their_mean():
    q, k, v = drawn(0, (1, 1, 400, 2), (1, 1, 30, 2), (1, 1, 30, 2))
    tt.manual_seed(1)
    out = F.scaled_dot_product_attention(q, k, v, dropout_p=0.3)
    whole = F.scaled_dot_product_attention(q, k, v)
    assert not np.allclose(out.numpy(), whole.numpy())
    assert np.abs((out - whole).mean((0, 1, 2)).numpy()).max() < 0.03
    tt.manual_seed(1)
    assert np.array_equal(F.scaled_dot_product_attention(q, k, v, dropout_p=0.3).numpy(), out.numpy())


def test_large_scores_do_not_overflow():
    q = tt.full((1, 1, 2, 2), 1e3)
    out = F.scaled_dot_product_attention(q, q, tt.ones(1, 1, 2, 2), scale=1.0)
    assert out.tolist() == [[[[1.0, 1.0], [1.0, 1.0]]]]


def test_the_square_of_the_length_is_never_kept():
    time = 1024
    q, k, v = (tt.randn(1, 8, time, 16, requires_grad=True) for _ in range(3))
    tracemalloc.start()
    out = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    kept, peak = tracemalloc.get_traced_memory()
    out.sum().backward()
    _, whole = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    one_head = time * time * 4  # bytes of its scores; all eight heads' weights would be eight times as much
    assert kept < one_head
    assert peak < 4 * one_head
    assert whole < 5 * one_head


def test_heads_and_batches_may_be_left_out_or_more():
    q, k, v = drawn(0, (5, 4), (6, 4), (6, 3))
    plain = F.scaled_dot_product_attention(q, k, v)
    assert plain.shape == (5, 3)
    more = F.scaled_dot_product_attention(*[x.expand(2, 3, 1, *x.shape) for x in (q, k, v)])
    assert more.shape == (2, 3, 1, 5, 3)
    assert np.allclose(more[1, 2, 0].numpy(), plain.numpy())


@given(
    seed=st.integers(0, 10_000), shared=st.integers(1, 3), form=st.sampled_from(["none", "bool", "per head", "float"])
)
@settings(max_examples=40, deadline=None)
def test_a_query_alone_finds_what_it_finds_among_others(seed, shared, form):
    rng = np.random.default_rng(seed)
    heads, keys = 2 * shared, int(rng.integers(1, 9))
    q = rng.standard_normal((2, heads, 3, 4)).astype(np.float32)
    k, v = rng.standard_normal((2, 2, 2, keys, 4)).astype(np.float32)
    shape = {"none": None, "bool": (2, 1, 1, keys), "per head": (1, heads, 1, keys), "float": (2, heads, 1, keys)}[form]
    mask = None if shape is None else rng.random(shape) < 0.7
    if form == "float":
        mask = np.where(mask, rng.standard_normal(shape), -np.inf).astype(np.float32)
    whole = scaled.attention.kernel(q, k, v, mask, False, 0.5)
    alone = scaled.attention.kernel(q[:, :, 1:2], k, v, mask, False, 0.5)
    for found, expected in zip(alone, whole, strict=True):
        assert found.shape == (2, heads, 1, expected.shape[3])
        assert np.allclose(found, expected[:, :, 1:2], rtol=1e-5, atol=1e-6)
