"""StaticCache: the same tokens, the right bytes, and mistakes that leave it as it was."""

import gc
import itertools
import tracemalloc

import numpy as np
import pytest
from caches_for_tests import drawn, scores
from hypothesis import event, given, settings
from hypothesis import strategies as st

import tinytorch as tt
from tinytorch_cache import StaticCache, compare, kv_bytes


def drawn_rows(rng, most=12):
    return [rng.integers(0, 11, rng.integers(1, most)).tolist() for _ in range(rng.integers(1, 4))]


@pytest.mark.parametrize("kind", ["gpt", "llama"])
@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_drawn_models_say_the_same_with_it(kind, seed):
    net, rng = drawn(kind, seed), np.random.default_rng(seed)
    rows = drawn_rows(rng)
    found = compare(net, rows, 12, StaticCache(net, len(rows), 30), seed, temperature=float(rng.integers(0, 2)))
    event("near tie" if found.near_ties else "no near tie")
    assert found.same, str(found)
    assert found.largest < 1e-4


@pytest.mark.parametrize("kind", ["gpt", "llama"])
@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_padding_anywhere_and_portions_change_no_score(kind, seed):
    net, rng = drawn(kind, seed), np.random.default_rng(seed)
    tokens, real = rng.integers(0, 11, (2, 16)), rng.random((2, 16)) < 0.7
    real[:, -1] = True
    cache, ends = StaticCache(net, 2, 16), sorted({*rng.integers(1, 16, 4).tolist(), 16})
    parts = [scores(net, tokens[:, a:b], real[:, :b], cache) for a, b in itertools.pairwise([0, *ends])]
    assert np.abs(np.concatenate(parts, 1) - scores(net, tokens, real))[real].max() < 1e-4


@pytest.mark.parametrize("options", [{"temperature": 0}, {"seed": 7}, {"seed": 3, "top_k": 4, "top_p": 0.9}])
def test_generate_writes_the_same_on_either_side_of_the_padding(enabled, model, options):
    rows = [[1, 2, 3, 4, 5], [6], [7, 8, 9]]
    right = np.array([row + [0] * (5 - len(row)) for row in rows])
    real = np.array([[1] * len(row) + [0] * (5 - len(row)) for row in rows])
    expected = model.generate(rows, 20, cache="none", **options).tolist()
    assert model.generate(rows, 20, **options).tolist() == expected
    assert model.generate(right, 20, attention_mask=real, **options).tolist() == expected


@pytest.mark.parametrize("batch", [1, 3])
def test_its_bytes_are_those_of_the_formula(model, batch):
    layers, heads, width, dtype = model.kv_shape
    cache = StaticCache(model, batch, 17)
    assert cache.nbytes == 2 * layers * heads * width * 17 * batch * 4 == kv_bytes(model, batch, 17)
    assert cache.dtype == dtype == np.float32
    assert StaticCache(model.double(), batch, 17).nbytes == 2 * cache.nbytes


def test_key_heads_that_are_shared_are_kept_once():
    net = tt.models.Llama(11, 16, layers=2, heads=8, width=64, hidden=8, kv_heads=2)
    assert StaticCache(net).buffer.shape == (2, 2, 1, 2, 16, 8)


def test_decoding_copies_nothing_and_holds_no_more_memory(model):
    cache = StaticCache(model, 1, 40)
    buffer = cache.buffer
    scores(model, [[1, 2, 3]], None, cache)
    keys, values = cache.update(tt.zeros(1, model.kv_shape.heads, 1, 4), tt.zeros(1, model.kv_shape.heads, 1, 4), 0)
    assert cache.buffer is buffer
    assert np.shares_memory(keys.numpy(), buffer)
    assert np.shares_memory(values.numpy(), buffer)


def test_what_is_held_while_a_text_grows_stays_the_same():
    net = tt.models.GPT(11, 40, layers=4, heads=4, width=128)
    steps, held = net.stream([1, 2], 38, temperature=0, cache=StaticCache(net, 1, 40)), []
    tracemalloc.start()
    try:
        for _ in steps:
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert held[-1] - held[20] < kv_bytes(net, 1, 1) / 2  # in 17 tokens; it is the list of what is held that grows


def test_a_cropped_cache_goes_on_from_there(model):
    cache = StaticCache(model, 2, 30)
    tokens = np.random.default_rng(0).integers(0, 11, (2, 12))
    scores(model, tokens, None, cache)
    cache.crop(5)
    found = scores(model, tokens[:, 5:9], None, cache)
    assert cache.length == 9
    assert np.allclose(found, scores(model, tokens[:, :9])[:, 5:], atol=1e-4)
    cache.reset()
    assert cache.length == 0
    assert np.allclose(scores(model, tokens, None, cache), scores(model, tokens), atol=1e-4)


def test_reordered_rows_go_on_from_each_other(model):
    cache = StaticCache(model, 3, 30)
    tokens = np.random.default_rng(0).integers(0, 11, (3, 6))
    scores(model, tokens, None, cache)
    cache.reorder([2, 0, 0])
    new = np.array([[1], [2], [3]])
    expected = scores(model, np.concatenate([tokens[[2, 0, 0]], new], axis=1))[:, -1:]
    assert np.allclose(scores(model, new, None, cache), expected, atol=1e-4)


def test_clones_go_on_apart(model):
    cache = StaticCache(model, 1, 30)
    scores(model, [[1, 2, 3]], None, cache)
    other = cache.clone()
    one, two = scores(model, [[4]], None, cache), scores(model, [[5]], None, other)
    assert np.allclose(one, scores(model, [[1, 2, 3, 4]])[:, -1:], atol=1e-4)
    assert np.allclose(two, scores(model, [[1, 2, 3, 5]])[:, -1:], atol=1e-4)
    for each, token in ((cache, 4), (other, 5)):
        found = scores(model, [[6]], None, each)
        assert np.allclose(found, scores(model, [[1, 2, 3, token, 6]])[:, -1:], atol=1e-4)


def test_with_growth_it_becomes_longer_when_it_is_full(model):
    cache = StaticCache(model, 1, 4, growth=1.5)
    tokens = np.random.default_rng(0).integers(0, 11, (1, 12))
    for place in range(12):
        found = scores(model, tokens[:, place : place + 1], None, cache)
    assert cache.max_length == 13  # 4, 6, 9, 13
    assert cache.nbytes == kv_bytes(model, 1, 13)
    assert np.allclose(found, scores(model, tokens)[:, -1:], atol=1e-4)


def test_it_says_what_it_holds(model):
    cache = StaticCache(model, 2, 10)
    scores(model, [[1, 2], [3, 4]], None, cache)
    assert repr(cache) == f"StaticCache(2 × 2 places, float32, {kv_bytes(model, 2, 10):,} bytes)"


MISTAKES = [
    (lambda net, cache: scores(net, [[1] * 7] * 2, None, cache), "StaticCache: full, 11 places are more than its 10"),
    (lambda net, cache: scores(net, [[1]], None, cache), "StaticCache: it holds 2 rows, got a batch of 1"),
    (
        lambda net, cache: scores(drawn("gpt", 9), [[1], [1]], None, cache),
        "StaticCache: it was made for another model; a model's keys mean nothing to others",
    ),
    (
        lambda net, cache: scores(net.double(), [[1], [1]], None, cache),
        "StaticCache: it was made for keys of float32, the model's are KVShape(layers=",
    ),
    (lambda net, cache: cache.crop(5), "StaticCache: crop to 5 places, it holds 4"),
    (lambda net, cache: cache.crop(-1), "StaticCache: crop to -1 places, it holds 4"),
    (lambda net, cache: cache.reorder([0]), "StaticCache: expected 2 rows of 0 ... 1, got [0]"),
    (lambda net, cache: cache.reorder([0, 2]), "StaticCache: expected 2 rows of 0 ... 1, got [0, 2]"),
    (
        lambda net, cache: scores(net, [[1]] * 2, [[1]] * 2, cache),
        "{model}: expected an attention_mask of shape (2, 5)",
    ),
]


@pytest.mark.parametrize(("mistake", "message"), MISTAKES)
def test_a_mistake_is_one_sentence_and_leaves_it_as_it_was(model, mistake, message):
    cache = StaticCache(model, 2, 10)
    scores(model, [[1, 2, 3, 4], [5, 6, 7, 8]], None, cache)
    before = cache.buffer.copy()
    with pytest.raises(ValueError) as raised:
        mistake(model, cache)
    assert str(raised.value).startswith(message.format(model=type(model).__name__))
    assert cache.length == 4
    assert np.array_equal(cache.buffer, before)


def test_a_pass_that_fails_half_way_leaves_it_as_it_was(model, monkeypatch):
    cache = StaticCache(model, 1, 30)
    scores(model, [[1, 2, 3]], None, cache)
    with monkeypatch.context() as patched:
        patched.setattr(model.lm_head, "forward", lambda x: 1 / 0)
        patched.setattr(cache, "_last", 99)  # the last layer is not reached
        with pytest.raises(ZeroDivisionError):
            scores(model, [[4]], None, cache)
    assert np.allclose(scores(model, [[5]], None, cache), scores(model, [[1, 2, 3, 5]])[:, -1:], atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch": 0}, "StaticCache: expected batch of 1 or more, got 0"),
        ({"max_length": 0}, "StaticCache: expected max_length of 1 or more, got 0"),
        ({"growth": 1.0}, "StaticCache: expected a finite growth above 1, got 1.0"),
    ],
)
def test_sizes_that_cannot_be_are_told(model, arguments, message):
    with pytest.raises(ValueError) as raised:
        StaticCache(model, **arguments)
    assert str(raised.value) == message


def test_a_model_that_keeps_nothing_is_told():
    with pytest.raises(TypeError, match="StaticCache: expected a language model that tells its kv_shape, got Linear"):
        StaticCache(tt.nn.Linear(1, 1))
