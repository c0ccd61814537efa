"""Generation: the same tokens however they are asked for, and choices as they are described."""

import contextlib
import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinytorch as tt
from tinytorch import models, plugins
from tinytorch.core.transformers import GPTBlock, LanguageModel, causal_mask
from tinytorch.plugins import hookimpl


@pytest.fixture(params=["gpt", "llama"])
def model(request):
    """A small model with large weights, so that its choices differ from each other."""
    tt.manual_seed(3)
    if request.param == "gpt":
        made = models.GPT(11, 24, layers=2, heads=2, width=8)
    else:
        made = models.Llama(11, 24, layers=2, heads=4, width=16, hidden=24, kv_heads=2)
    with tt.no_grad():
        for parameter in made.parameters():
            parameter.mul_(10.0 if parameter.ndim == 2 else 1.0)
    return made


class Concatenating:
    """The plainest cache that keeps the protocol."""

    def __init__(self, layers):
        self.length, self.kept, self.last = 0, {}, layers - 1

    def begin(self, model, tokens, attention_mask):
        return causal_mask(tokens.shape[1], self.length, attention_mask)

    def update(self, key, value, layer):
        before = self.kept.get(layer)
        if before is not None:
            key, value = tt.cat([before[0], key], 2), tt.cat([before[1], value], 2)
        self.kept[layer] = key, value
        if layer == self.last:
            self.length = key.shape[2]
        return key, value


class Scored(LanguageModel):
    """Gives the same scores after every token."""

    def __init__(self, scores):
        super().__init__()
        self.scores, self.vocab_size, self.max_length = np.array([scores]), len(scores), 10_000

    def forward(self, tokens, attention_mask, cache):
        return tt.tensor(np.broadcast_to(self.scores, (*tokens.shape, self.vocab_size)).copy())


def drawn_model(seed, kind):
    """A model with drawn sizes and tokens for it: (2, 2 to 16)."""
    tt.manual_seed(seed)
    rng = np.random.default_rng(seed)
    layers, heads, share = (int(n) for n in rng.integers(1, 4, 3))
    if kind == "gpt":
        net = models.GPT(7, 24, layers, heads, 4 * heads)
    else:
        sizes = {"layers": layers, "heads": heads * share, "width": 4 * heads * share, "hidden": 10, "kv_heads": heads}
        net = models.Llama(7, 24, **sizes, interleaved=bool(seed % 2))
    return net, rng.integers(0, 7, (2, int(rng.integers(2, 17)))), rng


def scores_of(net, tokens, attention_mask=None, cache=None):
    with tt.no_grad():
        return net(tt.tensor(tokens), attention_mask, cache).numpy()


@pytest.mark.parametrize("kind", ["gpt", "llama"])
@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_a_later_token_changes_no_earlier_score(kind, seed):
    net, tokens, rng = drawn_model(seed, kind)
    before = int(rng.integers(1, tokens.shape[1]))
    changed = tokens.copy()
    changed[:, before:] = (tokens[:, before:] + rng.integers(1, 7)) % 7  # every one of them another
    one, other = (scores_of(net, each) for each in (tokens, changed))
    assert np.array_equal(one[:, :before], other[:, :before])
    assert np.abs(one[:, before:] - other[:, before:]).max() > 1e-4


@pytest.mark.parametrize("kind", ["gpt", "llama"])
@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_padding_on_either_side_changes_no_score(kind, seed):
    net, tokens, rng = drawn_model(seed, kind)
    real = np.zeros((2, tokens.shape[1] + int(rng.integers(0, 6))), bool)
    for row in real:
        row[rng.permutation(row.size)[: tokens.shape[1]]] = True  # in the middle, too
    padded = rng.integers(0, 7, real.shape)  # whatever stands in the empty places
    padded[real] = tokens.ravel()
    found, expected = scores_of(net, padded, real.astype(int)), scores_of(net, tokens)
    assert np.allclose(found[real], expected.reshape(-1, 7), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["gpt", "llama"])
@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_a_text_in_portions_gets_the_scores_of_the_whole(kind, seed):
    net, tokens, rng = drawn_model(seed, kind)
    real = rng.random(tokens.shape) < 0.7
    real[:, 0] = True
    mask = real if seed % 3 else None
    cache = Concatenating(net.kv_shape.layers)
    ends = sorted({*rng.integers(1, tokens.shape[1] + 1, 3).tolist(), tokens.shape[1]})
    found = [
        scores_of(net, tokens[:, start:end], None if mask is None else mask[:, :end], cache)
        for start, end in itertools.pairwise([0, *ends])
    ]
    expected = scores_of(net, tokens, mask)
    counted = real if mask is not None else np.ones_like(real)
    assert np.allclose(np.concatenate(found, 1)[counted], expected[counted], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("options", [{"temperature": 0}, {"seed": 5}])
def test_rows_that_are_padded_on_the_right_get_the_tokens_that_they_get_alone(model, options):
    rows, real = [[1, 2, 3, 4, 5], [6, 0, 0, 0, 0], [7, 8, 9, 0, 0]], [[1] * 5, [1] + [0] * 4, [1] * 3 + [0] * 2]
    for kind in (None, Concatenating(2)):
        found = model.generate(rows, 8, attention_mask=tt.tensor(real), cache=kind, **options).tolist()
        assert found == model.generate([[1, 2, 3, 4, 5], [6], [7, 8, 9]], 8, **options).tolist()


def test_tokens_that_a_cache_holds_are_not_computed_again(model):
    cache = Concatenating(2)
    scores_of(model, [[1, 2, 3]], None, cache)
    asked = []
    forward = type(model).forward
    model.forward = lambda tokens, *rest: asked.append(tokens.shape) or forward(model, tokens, *rest)
    found = model.generate([1, 2, 3, 4, 5], 3, temperature=0, cache=cache).tolist()
    assert asked == [(1, 2), (1, 1), (1, 1)]
    del model.forward
    assert found == model.generate([1, 2, 3, 4, 5], 3, temperature=0).tolist()
    with pytest.raises(ValueError, match=r"generate: the cache holds 7 tokens, expected fewer than the prompt's 2"):
        model.generate([1, 2], 1, cache=cache)


def test_a_cache_must_not_hold_the_last_token_of_a_row_padded_on_the_right(model):
    cache = Concatenating(2)
    scores_of(model, [[1, 2, 3], [4, 0, 0]], [[1, 1, 1], [1, 0, 0]], cache)
    rows, mask = tt.tensor([[1, 2, 3, 4], [4, 0, 0, 0]]), tt.tensor([[1, 1, 1, 1], [1, 0, 0, 0]])
    with pytest.raises(ValueError, match=r"generate: the cache holds 3 tokens, expected fewer than each row's own"):
        model.generate(rows, 1, attention_mask=mask, cache=cache)


def test_rows_side_by_side_get_the_tokens_that_they_get_alone(model):
    rows = [[1, 2, 3, 4, 5], [6], [7, 8, 9]]
    together = model.generate(rows, 8, temperature=0).tolist()
    assert together == [model.generate(row, 8, temperature=0).tolist()[0] for row in rows]
    drawn = model.generate(rows, 8, seed=5).tolist()
    assert drawn[0] == model.generate(rows[:1], 8, seed=5).tolist()[0]


def test_a_cache_that_a_plugin_brings_changes_no_token(model):
    rows = [[1, 2, 3, 4, 5], [6], [7, 8, 9]]
    asked = []

    @hookimpl
    def make_generation_cache(model, batch, max_length, kind):
        asked.append((batch, max_length, kind))
        return Concatenating(model.kv_shape.layers)

    plugins.register(SimpleNamespace(make_generation_cache=make_generation_cache), "keeping")
    expected = model.generate(rows, 10, temperature=0)
    with plugins.using("keeping"):
        found = model.generate(rows, 10, temperature=0)
        named = model.generate(rows, 10, temperature=0, cache="keeping")
        without = model.generate(rows, 10, temperature=0, cache="none")
    assert asked == [(3, 15, None), (3, 15, "keeping")]
    assert found.tolist() == named.tolist() == without.tolist() == expected.tolist()


def test_generating_leaves_mode_and_recording_as_they_were(model):
    model.train()
    steps = model.stream([1, 2], 3)
    next(steps)
    assert tt.is_grad_enabled()
    assert all(module.training for module in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_row_that_has_ended_goes_on_with_the_end():
    net = Scored([0.0, 5.0, 0.0])
    assert net.generate([[0], [2]], 5, temperature=0, eos=1).tolist() == [[1], [1]]
    out = Scored([0.0, 1.0, 0.5]).generate([[0], [2]], 50, seed=0, eos=2).numpy()
    for row in out:
        assert (row[row.tolist().index(2) :] == 2).all()


def test_a_seed_gives_the_same_draws_and_none_those_of_the_process():
    net = Scored(np.zeros(50))
    assert net.generate([0], 9, seed=4).tolist() == net.generate([0], 9, seed=4).tolist()
    assert net.generate([0], 9, seed=4).tolist() != net.generate([0], 9, seed=5).tolist()
    tt.manual_seed(1)
    one = net.generate([0], 9).tolist()
    tt.manual_seed(1)
    assert net.generate([0], 9).tolist() == one != net.generate([0], 9).tolist()


@pytest.mark.parametrize(
    ("options", "possible"),
    [
        ({"top_k": 2}, {1, 3}),
        ({"top_p": 0.5}, {1}),
        ({"top_p": 0.6}, {1, 3}),
        ({"top_k": 3, "top_p": 0.85}, {1, 3, 0}),
        ({"temperature": 1e-3}, {1}),
        ({"temperature": 1e-320}, {1}),
        ({}, {0, 1, 2, 3}),
    ],
)
def test_only_the_likely_tokens_are_drawn(options, possible):
    net = Scored(np.log([0.15, 0.5, 0.05, 0.3]))
    drawn = net.generate([0], 400, seed=0, **options).numpy()
    assert set(drawn.ravel().tolist()) == possible


def test_draws_have_the_probabilities_of_the_softmax():
    net = Scored(np.log([0.15, 0.5, 0.05, 0.3]))
    counts = np.bincount(net.generate([0], 4000, seed=1).numpy()[0], minlength=4) / 4000
    assert np.abs(counts - [0.15, 0.5, 0.05, 0.3]).max() < 0.03
    warm = np.bincount(net.generate([0], 4000, seed=1, temperature=2.0).numpy()[0], minlength=4) / 4000
    expected = np.sqrt([0.15, 0.5, 0.05, 0.3])
    assert np.abs(warm - expected / expected.sum()).max() < 0.03


def test_nothing_asked_for_is_nothing():
    assert Scored([0.0, 1.0]).generate([[0], [1], [1]], 0).shape == (3, 0)


@pytest.mark.parametrize("make", [np.array, tt.tensor, lambda rows: [tt.tensor(row) for row in rows]])
def test_rows_may_be_arrays_and_tensors(make):
    assert Scored([0.0, 1.0]).generate(make([[0, 1], [1, 1]]), 1, temperature=0).tolist() == [[1], [1]]


def test_rows_may_come_from_a_generator():
    rows = ([token] for token in (0, 1, 1))
    assert Scored([0.0, 1.0]).generate(rows, 2, temperature=0).tolist() == [[1, 1]] * 3


@pytest.mark.parametrize("scores", [[np.nan, 0.0], [-np.inf, -np.inf], [np.inf, 0.0]])
def test_scores_that_are_no_numbers_are_told(scores):
    with pytest.raises(FloatingPointError, match="generate: the model's scores are nan, or none of them is finite"):
        Scored(scores).generate([0], 1)


@pytest.mark.parametrize(
    ("tokens", "count", "options", "message"),
    [
        ([[0], []], 1, {}, "generate: expected at least one token in every row, got none"),
        ([4], 1, {}, "generate: token 4 is outside the vocabulary 0 ... 1"),
        ([-1], 1, {}, "generate: token -1 is outside the vocabulary 0 ... 1"),
        ([10**30], 1, {}, f"generate: token {10**30} is outside the vocabulary 0 ... 1"),
        ("once", 1, {}, "generate: expected tokens as a list, got str; encode text first"),
        (b"once", 1, {}, "generate: expected tokens as a list, got bytes; encode text first"),
        (tt.tensor(1), 1, {}, "generate: expected tokens as a list, got int; encode text first"),
        ([0.5], 1, {}, "generate: expected tokens as integers or rows of them"),
        ([0], -1, {}, "generate: expected max_new_tokens of 0 or more, got -1"),
        ([0], 10_000, {}, "generate: 1 tokens and 10000 new ones are more than the 10000 that the model can look at"),
        ([0], 1, {"temperature": -1}, "generate: expected a finite temperature of 0 or more, got -1"),
        ([0], 1, {"temperature": float("nan")}, "generate: expected a finite temperature of 0 or more, got nan"),
        ([0], 1, {"temperature": float("inf")}, "generate: expected a finite temperature of 0 or more, got inf"),
        ([0], 1, {"eos": "x"}, "generate: expected eos as a whole number, got 'x'"),
        ([0], 1, {"eos": 2}, "generate: eos 2 is outside the vocabulary 0 ... 1"),
        ([0], 1, {"top_k": 0}, "generate: expected top_k of 1 or more, got 0"),
        ([0], 1, {"top_p": 0.0}, "generate: expected top_p above 0 and at most 1, got 0.0"),
        (
            [0],
            1,
            {"cache": "static"},
            "generate: no enabled plugin makes a cache 'static' for this model; 'cache' makes",
        ),
        (
            [[0], [1]],
            1,
            {"attention_mask": [[1], [0]]},
            "generate: expected at least one token in every row, got an att",
        ),
        ([0], 1, {"attention_mask": [1]}, "generate: expected an attention_mask of shape (1, 1), got (1,)"),
        ([0], 1, {"attention_mask": [[2]]}, "generate: expected an attention_mask of ones and zeros, got others"),
        ([0], 1, {"seed": "x"}, "generate: expected seed as a whole number, got 'x'"),
    ],
)
def test_mistakes_are_told_before_anything_is_computed(tokens, count, options, message):
    with pytest.raises((TypeError, ValueError, IndexError)) as caught:
        Scored([0.0, 1.0]).stream(tokens, count, **options)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("bias", [True, False])
def test_queries_keys_and_values_at_once_are_those_of_slices_of_the_weight(bias):
    attention = GPTBlock(12, 3, bias=bias).attn
    x = tt.randn(2, 5, 12)
    with tt.no_grad():
        together = attention._at_once(x)
    for one, other in zip(together, attention._learning(x), strict=True):
        assert one.shape == other.shape == (2, 3, 5, 4)
        assert tt.allclose(one, other, atol=1e-6)


class Doubled(tt.nn.Linear):
    def forward(self, input):
        return super().forward(input) * 2.0


@pytest.mark.parametrize("change", ["replaced", "patched", "training", "watched"])
def test_a_block_with_a_cache_asks_parts_that_somebody_changed(change, monkeypatch):
    net = models.GPT(11, 24, layers=1, heads=2, width=8, dropout=0.5).eval()
    block, asked = net.transformer["h"][0], []
    scores_of(net, [[1]], None, Concatenating(1))  # as it is
    monkeypatch.setattr(type(block.mlp), "forward", lambda self, x: asked.append(x.shape) or x)
    scores_of(net, [[1]], None, Concatenating(1))
    assert asked == []
    if change == "replaced":
        block.attn.c_proj = Doubled(8, 8)
    elif change == "patched":
        monkeypatch.setattr(block.ln_2, "forward", lambda x: x)
    elif change == "training":
        block.mlp.dropout.train()
    with plugins.instrumented(plugins.Instrument()) if change == "watched" else contextlib.nullcontext():
        scores_of(net, [[1]], None, Concatenating(1))
    assert asked == [(1, 1, 8)]


@pytest.mark.parametrize("change", ["replaced", "patched", "training", "watched"])
def test_a_block_of_llama_with_a_cache_asks_parts_that_somebody_changed(change, monkeypatch):
    net = models.Llama(11, 24, layers=1, heads=2, width=8, hidden=10).eval()
    block, asked = net.model["layers"][0], []
    monkeypatch.setattr(type(block.mlp), "forward", lambda self, x: asked.append(x.shape) or x)
    scores_of(net, [[1]], None, Concatenating(1))  # as it is
    assert asked == []
    if change == "replaced":
        block.self_attn.o_proj = Doubled(8, 8, bias=False)
    elif change == "patched":
        monkeypatch.setattr(block.input_layernorm, "forward", lambda x: x)
    elif change == "training":
        block.mlp.train()
    with plugins.instrumented(plugins.Instrument()) if change == "watched" else contextlib.nullcontext():
        scores_of(net, [[1]], None, Concatenating(1))
    assert asked == [(1, 1, 8)]


def test_a_network_without_the_parts_of_the_usual_one_takes_its_place_with_a_cache_too():
    net = models.GPT(11, 24, layers=1, heads=2, width=8).eval()
    net.transformer["h"][0].mlp = tt.nn.Linear(8, 8)
    expected = scores_of(net, [[1, 2, 3]])
    assert np.allclose(scores_of(net, [[1, 2, 3]], None, Concatenating(1)), expected, rtol=1e-5, atol=1e-6)


def without_last_head(model, layers):
    """The GPT with one head fewer in these layers, as a pruner would take it out."""
    for layer in layers:
        attn = model.transformer["h"][layer].attn
        kept = (attn.heads - 1) * attn.head
        for each in (attn.c_attn.weight, attn.c_attn.bias):
            parts = each.array.reshape(3, -1, *each.shape[1:])[:, :kept]
            each.array = parts.reshape(3 * kept, *each.shape[1:])
        attn.c_proj.weight.array = attn.c_proj.weight.array[:, :kept].copy()
        attn.heads -= 1
    return model.eval()


def test_a_gpt_with_fewer_heads_gives_the_same_scores_every_way():
    tt.manual_seed(1)
    net = without_last_head(models.GPT(11, 24, layers=2, heads=4, width=16), [0, 1])
    tokens = np.array([[1, 2, 3, 4]])
    expected = net(tt.tensor(tokens)).array  # recorded, by slices of the weight
    assert (net.kv_shape.heads, net.kv_shape.width) == (3, 4)
    assert np.allclose(scores_of(net, tokens), expected, rtol=1e-5, atol=1e-6)
    assert np.allclose(scores_of(net, tokens, None, Concatenating(2)), expected, rtol=1e-5, atol=1e-6)


def test_a_gpt_whose_layers_differ_in_heads_tells_no_common_shape():
    assert without_last_head(models.GPT(11, 24, layers=2, heads=4, width=16), [1]).kv_shape is None
