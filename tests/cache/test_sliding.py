"""SlidingWindowCache: what a mask over the whole text would let be seen, in memory that does not grow."""

import itertools

import numpy as np
import pytest
from caches_for_tests import drawn, scores
from hypothesis import given, settings
from hypothesis import strategies as st

import tinytorch as tt
from tinytorch.core.transformers import Sight
from tinytorch_cache import SlidingWindowCache, kv_bytes


def masked(net, tokens, real, window, sinks):
    """The scores of the whole text at once, without a cache, under the mask of the window and the sinks."""
    positions = np.cumsum(real, axis=1) - 1
    query, key = positions[:, :, None], positions[:, None]
    seen = np.tri(tokens.shape[1], dtype=bool) & real[:, None] & ((query - key < window) | (key < sinks))
    sight = Sight(tt.tensor(np.maximum(positions, 0)), tt.tensor(seen[:, None]), causal=False)
    parts = net.transformer if hasattr(net, "transformer") else net.model
    with tt.no_grad():
        if hasattr(net, "transformer"):
            x, blocks, norm = parts["wte"](tt.tensor(tokens)) + parts["wpe"](sight.positions), parts["h"], parts["ln_f"]
        else:
            x, blocks, norm = parts["embed_tokens"](tt.tensor(tokens)), parts["layers"], parts["norm"]
        for layer, block in enumerate(blocks):
            x = block(x, layer, sight)
        return net.lm_head(norm(x)).numpy()


@pytest.mark.parametrize("kind", ["gpt", "llama"])
@given(seed=st.integers(0, 10_000), padded=st.booleans())
@settings(max_examples=25, deadline=None)
def test_it_sees_what_a_mask_would_let_be_seen(kind, seed, padded):
    net, rng = drawn(kind, seed), np.random.default_rng(seed)
    window, sinks = int(rng.integers(1, 8)), int(rng.integers(0, 4))
    tokens, real = rng.integers(0, 11, (2, 24)), np.ones((2, 24), bool)
    if padded:
        real[:, :20] = rng.random((2, 20)) < 0.7
    cache = SlidingWindowCache(net, 2, window, sinks)
    ends = sorted({*rng.integers(1, 20, 2).tolist(), *range(19, 25)})  # portions, then one by one
    parts = [
        scores(net, tokens[:, a:b], real[:, :b] if padded else None, cache) for a, b in itertools.pairwise([0, *ends])
    ]
    expected = masked(net, tokens, real, window, sinks)
    assert np.abs(np.concatenate(parts, 1) - expected)[real].max() < 1e-4
    assert cache.nbytes == kv_bytes(net, 2, window + sinks)


def test_a_window_as_long_as_the_text_changes_no_token(model):
    rows = [[1, 2, 3, 4, 5], [6], [7, 8, 9]]
    expected = model.generate(rows, 12, temperature=0).tolist()
    assert model.generate(rows, 12, temperature=0, cache=SlidingWindowCache(model, 3, 17, 0)).tolist() == expected


def test_reordered_and_cloned_rows_go_on_from_each_other(model):
    tokens = np.random.default_rng(0).integers(0, 11, (2, 9))
    real = np.ones((2, 9), bool)
    real[0, :3] = False
    cache = SlidingWindowCache(model, 2, 4, 1)
    scores(model, tokens, real, cache)
    other = cache.clone()
    cache.reorder([1, 0])
    new, mask = np.array([[1], [2]]), np.concatenate([real, [[True], [True]]], 1)
    turned = scores(model, new[::-1].copy(), mask[::-1], cache)[::-1]
    assert np.allclose(turned, scores(model, new, mask, other), atol=1e-5)


def test_padded_rows_cannot_go_on_without_their_mask(model):
    cache = SlidingWindowCache(model, 2, 4, 1)
    real = np.array([[0, 1, 1], [1, 1, 1]])
    scores(model, [[0, 1, 2], [3, 4, 5]], real, cache)
    with pytest.raises(
        ValueError, match="SlidingWindowCache: its rows are padded; pass the attention_mask of past and"
    ):
        scores(model, [[1], [2]], None, cache)
    found = scores(model, [[1], [2]], np.append(real, [[1], [1]], 1), cache)
    assert np.allclose(found[0], scores(model, [[1, 2, 1]])[0, -1:], atol=1e-4)


def test_it_can_be_cropped_until_tokens_have_left_the_window(model):
    tokens = np.random.default_rng(0).integers(0, 11, (1, 12))
    cache = SlidingWindowCache(model, 1, 6, 2)
    scores(model, tokens[:, :7], None, cache)
    cache.crop(4)
    found = scores(model, tokens[:, 4:], None, cache)
    expected = masked(model, tokens, np.ones_like(tokens, bool), 6, 2)[:, 4:]
    assert np.allclose(found, expected, atol=1e-4)
    with pytest.raises(ValueError, match="SlidingWindowCache: crop to 3 places, but tokens have left the window or"):
        cache.crop(3)
    assert cache.length == 12
    cache.reset()
    assert np.allclose(scores(model, tokens, None, cache)[:, 4:], expected, atol=1e-4)


def half_a_pass(model, tokens, cache, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(cache, "_last", 99)  # the last layer is not reached
        scores(model, tokens, None, cache)


def test_a_pass_that_fails_half_way_may_have_taken_the_place_of_a_token(model, monkeypatch):
    tokens = np.random.default_rng(0).integers(0, 11, (1, 10))
    cache = SlidingWindowCache(model, 1, 6, 2)
    scores(model, tokens[:, :8], None, cache)
    half_a_pass(model, tokens[:, 8:9], cache, monkeypatch)
    with pytest.raises(ValueError, match="SlidingWindowCache: crop to 4 places, but tokens have left the window"):
        cache.crop(4)
    expected = masked(model, tokens, np.ones_like(tokens, bool), 6, 2)[:, 8:]
    assert np.allclose(scores(model, tokens[:, 8:], None, cache), expected, atol=1e-4)


def test_a_pass_of_several_tokens_that_fails_takes_no_place(model, monkeypatch):
    tokens = np.random.default_rng(0).integers(0, 11, (1, 10))
    cache = SlidingWindowCache(model, 1, 6, 2)
    scores(model, tokens[:, :6], None, cache)
    half_a_pass(model, tokens[:, 6:], cache, monkeypatch)
    cache.crop(5)
    expected = masked(model, tokens[:, :7], np.ones((1, 7), bool), 6, 2)[:, 5:]
    assert np.allclose(scores(model, tokens[:, 5:7], None, cache), expected, atol=1e-4)


def test_a_pass_that_fails_half_way_leaves_it_as_it_was(model, monkeypatch):
    tokens = np.random.default_rng(0).integers(0, 11, (1, 12))
    cache = SlidingWindowCache(model, 1, 4, 1)
    scores(model, tokens[:, :8], None, cache)
    for portion in (tokens[:, 8:9], tokens[:, 8:11]):
        with monkeypatch.context() as patched:
            patched.setattr(cache, "_last", 99)  # the last layer is not reached
            scores(model, portion, None, cache)
    expected = masked(model, tokens, np.ones_like(tokens, bool), 4, 1)[:, 8:]
    assert np.allclose(scores(model, tokens[:, 8:], None, cache), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"window": 0}, "SlidingWindowCache: expected window of 1 or more, got 0"),
        ({"sinks": -1}, "SlidingWindowCache: expected sinks of 0 or more, got -1"),
    ],
)
def test_sizes_that_cannot_be_are_told(model, arguments, message):
    with pytest.raises(ValueError) as raised:
        SlidingWindowCache(model, **arguments)
    assert str(raised.value) == message
