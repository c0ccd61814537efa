"""QuantizedCache: rounded as far as it says, exact where nothing is rounded, and small."""

import itertools

import numpy as np
import pytest
from caches_for_tests import drawn, scores
from hypothesis import given, settings
from hypothesis import strategies as st

import tinytorch as tt
from tinytorch import models
from tinytorch.nn import functional
from tinytorch_cache import QuantizedCache, kv_bytes
from tinytorch_cache.rounding import decode, encode


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("axis", [-1, -2])
@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_a_number_is_rounded_by_half_a_step_at_most(bits, axis, seed):
    rng = np.random.default_rng(seed)
    numbers = (rng.standard_normal((2, 3, 5, 8)) * 10.0 ** rng.integers(-3, 4)).astype(np.float32)
    codes, least, step = encode(numbers, axis, bits)
    found = decode(codes, least, step, bits, np.empty_like(numbers))
    assert codes.nbytes == numbers.size * bits // 8
    assert (np.abs(found - numbers) <= step * 0.5001 + np.abs(numbers) * 1e-6).all()
    assert np.array_equal(encode(found, axis, bits)[0], codes)


def test_numbers_that_are_alike_stay_as_they_are():
    numbers = np.full((1, 4), 0.3, np.float32)
    codes, least, step = encode(numbers, -1, 8)
    assert np.array_equal(decode(codes, least, step, 8, np.empty_like(numbers)), numbers)


@pytest.mark.parametrize("kind", ["gpt", "llama"])
@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_what_is_in_the_residual_window_is_exact(kind, seed):
    net, rng = drawn(kind, seed), np.random.default_rng(seed)
    tokens, real = rng.integers(0, 11, (2, 16)), rng.random((2, 16)) < 0.7
    real[:, -1] = True
    cache, ends = QuantizedCache(net, 2, 16, residual=13), sorted({*rng.integers(1, 16, 4).tolist(), 16})
    parts = [scores(net, tokens[:, a:b], real[:, :b], cache) for a, b in itertools.pairwise([0, *ends])]
    assert np.abs(np.concatenate(parts, 1) - scores(net, tokens, real))[real].max() < 1e-4


@pytest.mark.parametrize(("bits", "near"), [(8, 0.2), (4, 4.0)])
def test_fewer_bits_change_scores_more(model, bits, near):
    tokens = np.random.default_rng(1).integers(0, 11, (1, 40))
    cache = QuantizedCache(model, 1, 40, bits, block=4, residual=4)
    parts = [scores(model, tokens[:, place : place + 1], None, cache) for place in range(40)]
    assert cache.blocks == 9
    distance = np.abs(np.concatenate(parts, 1) - scores(model, tokens)).max()
    assert 1e-6 < distance < near


@pytest.mark.parametrize("bits", [4, 8])
def test_portions_round_the_same_blocks_as_single_tokens(model, bits):
    tokens = np.random.default_rng(1).integers(0, 11, (2, 30))
    caches = [QuantizedCache(model, 2, 30, bits, block=4, residual=3) for _ in range(2)]
    for cache, size in zip(caches, (1, 30), strict=True):
        for start in range(0, 30, size):
            scores(model, tokens[:, start : start + size], None, cache)
    one, other = caches
    assert one.blocks == other.blocks == 6
    assert np.abs(one.codes[:, 0].astype(int) - other.codes[:, 0]).max() <= 1  # of layer 0: the same but for rounding


def test_the_error_report_says_how_far_the_numbers_are_off(model):
    tokens = np.random.default_rng(1).integers(0, 11, (1, 36))
    reports = []
    for bits in (8, 4):
        cache = QuantizedCache(model, 1, 40, bits, block=4, residual=4)
        scores(model, tokens, None, cache)
        reports.append(cache.error_report())
        cache.reset()
        assert set(cache.error_report()[0][1:]) == {0.0}
    assert [each.layer for each in reports[0]] == list(range(model.kv_shape.layers))
    for fine, coarse in zip(*reports, strict=True):
        assert 0.0 < fine.key_rms < 0.01 < coarse.key_rms < 0.2
        assert 0.0 < fine.value_rms < 0.01 < coarse.value_rms < 0.2
        assert fine.key_max < coarse.key_max
        assert fine.value_max < coarse.value_max


def test_it_stores_less_than_a_static_cache():
    net = models.Llama(11, 512, layers=2, heads=4, width=256, hidden=8, kv_heads=2)
    full = kv_bytes(net, 1, 512)
    for bits, share in ((8, 0.36), (4, 0.24)):
        cache = QuantizedCache(net, 1, 512, bits, residual=32)
        scores(net, np.zeros((1, 512), int), None, cache)
        assert cache.stored_bytes < share * full
        # with the place where one of the two layers is made anew, and the half of the latest that is empty now
        assert cache.nbytes < (share + 1 / 2 + 32 / 512) * full


@pytest.mark.parametrize("bits", [4, 8])
def test_a_cropped_cache_goes_on_from_there(model, bits):
    tokens = np.random.default_rng(0).integers(0, 11, (1, 24))
    long, short = (QuantizedCache(model, 1, 24, bits, block=4, residual=2) for _ in range(2))
    scores(model, tokens, None, long)
    long.crop(6)  # the second half of a rounded block goes
    assert (long.length, long.blocks) == (6, 1)
    scores(model, tokens[:, :6], None, short)
    near = {8: 0.1, 4: 2.0}[bits]
    distance = scores(model, tokens[:, 6:8], None, long) - scores(model, tokens[:, 6:8], None, short)
    assert np.abs(distance).max() < near
    long.crop(0)
    assert np.allclose(scores(model, tokens, None, long), scores(model, tokens), atol=1e-4)


def test_reordered_and_cloned_rows_go_on_from_each_other(model):
    tokens = np.random.default_rng(0).integers(0, 11, (2, 14))
    cache = QuantizedCache(model, 2, 20, 4, block=4, residual=3)
    scores(model, tokens, None, cache)
    other, new = cache.clone(), np.array([[1], [2]])
    cache.reorder([1, 0])
    turned = scores(model, new[::-1].copy(), None, cache)[::-1]
    assert np.allclose(turned, scores(model, new, None, other), atol=1e-5)


@pytest.mark.parametrize(("bits", "within"), [(8, 0.01), (4, 0.05)])
def test_stories_lose_little_by_rounding(stories, bits, within):
    """The loss on a story of the model's own, each token seeing rounded ones, against full precision."""
    net = models.load_llama2c(stories / "stories260K.bin")
    text = [1, *net.generate([1], 200, temperature=0.7, seed=0).tolist()[0]]
    cache = QuantizedCache(net, 1, len(text), bits, block=16, residual=16)
    parts = [scores(net, [[token]], None, cache) for token in text[:-1]]
    assert cache.rounded > 160
    losses = [
        functional.cross_entropy(tt.tensor(each[0]), tt.tensor(text[1:])).item()
        for each in (np.concatenate(parts, 1), scores(net, [text[:-1]]))
    ]
    assert abs(losses[0] / losses[1] - 1.0) < within


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bits": 3}, "QuantizedCache: expected 4 or 8 bits, got 3"),
        ({"block": 0}, "QuantizedCache: expected block of 1 or more, got 0"),
        ({"residual": -1}, "QuantizedCache: expected residual of 0 or more, got -1"),
    ],
)
def test_sizes_that_cannot_be_are_told(model, arguments, message):
    with pytest.raises(ValueError) as raised:
        QuantizedCache(model, **arguments)
    assert str(raised.value) == message


def test_four_bits_need_pairs():
    net = models.GPT(5, 8, layers=1, heads=1, width=3)
    with pytest.raises(ValueError, match="QuantizedCache: 4 bits need heads of an even width, got 3"):
        QuantizedCache(net, bits=4)


def test_a_mistake_leaves_it_as_it_was(model):
    cache = QuantizedCache(model, 1, 12, block=4, residual=2)
    scores(model, [[1, 2, 3, 4, 5, 6, 7, 8]], None, cache)
    before = [getattr(cache, name).copy() for name in cache.buffers]
    with pytest.raises(
        ValueError, match="QuantizedCache: full, 13 places are more than its 12; make it longer, or crop"
    ):
        scores(model, [[1] * 5], None, cache)
    with pytest.raises(ValueError, match="QuantizedCache: crop to 9 places, it holds 8"):
        cache.crop(9)
    assert (cache.length, cache.blocks) == (8, 1)
    assert all(np.array_equal(getattr(cache, name), old) for name, old in zip(cache.buffers, before, strict=True))
