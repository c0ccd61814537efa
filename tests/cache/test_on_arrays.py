"""With a cache models pass through their parts on arrays: parts that somebody changed are called as ever."""

import numpy as np
import pytest
from caches_for_tests import drawn, scores

from tinytorch import nn
from tinytorch_cache import StaticCache

PARTS = {
    "gpt": [
        *("transformer.wte", "transformer.wpe", "transformer.drop", "transformer.h.0", "transformer.h.0.ln_1"),
        *("transformer.h.0.attn", "transformer.h.0.attn.c_attn", "transformer.h.0.mlp.c_proj", "transformer.ln_f"),
        "lm_head",
    ],
    "llama": [
        *("model.embed_tokens", "model.layers.0", "model.layers.0.input_layernorm", "model.layers.0.self_attn"),
        *("model.layers.0.self_attn.v_proj", "model.layers.0.mlp", "model.layers.0.mlp.up_proj", "model.norm"),
        "lm_head",
    ],
}


def in_two_passes(model):
    cache = StaticCache(model)
    return np.concatenate([scores(model, tokens, cache=cache) for tokens in ([[1, 2, 3]], [[4]])], axis=1)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in PARTS.items() for name in names])
@pytest.mark.parametrize("how", ["its forward", "its class"])
def test_a_part_that_was_changed_has_its_say(kind, name, how, monkeypatch):
    model = drawn(kind, 3)
    expected = in_two_passes(model)
    part = dict(model.named_modules())[name]
    calls, forward = [], type(part).forward
    if how == "its forward":
        monkeypatch.setattr(part, "forward", lambda *given: calls.append(1) or forward(part, *given))
    else:
        part.__class__ = type("Own", (type(part),), {"forward": lambda *given: calls.append(1) or forward(*given)})
    np.testing.assert_allclose(in_two_passes(model), expected, rtol=1e-5, atol=1e-5)
    assert len(calls) == 2


def test_a_layer_in_the_place_of_another_kind_is_called():
    model = drawn("gpt", 3)
    width = model.transformer["ln_f"].normalized_shape[0]
    model.transformer["drop"] = nn.LayerNorm(width).eval()
    tokens = [[1, 2, 3]]
    np.testing.assert_allclose(scores(model, tokens, cache=StaticCache(model)), scores(model, tokens), atol=1e-5)


@pytest.mark.parametrize("kind", ["gpt", "llama"])
def test_tokens_that_are_no_whole_numbers_are_refused(kind):
    model = drawn(kind, 3)
    with pytest.raises(TypeError, match="embedding: expected an integer tensor of indices, got float32"):
        scores(model, [[1.0]], cache=StaticCache(model))


@pytest.mark.parametrize("token", [-1, 10_000])
def test_a_token_that_is_none_is_refused(token, model):
    cache = StaticCache(model)
    with pytest.raises(IndexError, match="an index is outside the table's 0"):
        scores(model, [[token]], cache=cache)
    assert cache.length == 0
