"""load_pretrained: folders of Hugging Face's become models, or one sentence that names what is wrong."""

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.models import load_pretrained
from tinytorch.models.layouts import LAYOUTS, Config
from tinytorch.serialization import CheckpointError

sys.path.insert(0, str(Path(__file__).parent))
from folders import CONFIGS, weights, write, write_safetensors

pytest.importorskip("safetensors", reason="the extra 'safetensors' is not installed")

TOKENS = [[1, 5, 0, 7, 10], [3, 3, 9, 2, 4]]
ANSWERS = {  # of transformers 5.23.0: the last token's first 8 scores, for BERT the first token's vector
    "gpt2": [
        [-1.7302, 2.8933, -2.5897, 3.0469, -3.7281, 2.3622, 1.9410, -3.5893],
        [-1.5424, 2.5549, -2.5360, 3.0114, -3.4838, 1.8725, 2.2759, -3.2820],
    ],
    "llama": [
        [1.9531, 0.7293, -0.6683, 0.2436, 0.2091, -0.3556, -0.2873, 0.7738],
        [-0.2268, -1.3934, 0.7886, -0.4920, 0.3606, -0.2222, 0.2682, -0.3238],
    ],
    "bert": [
        [-0.5500, -1.4455, 1.1614, 2.0104, 0.4873, 0.0731, -0.6757, -0.8213],
        [0.0299, -1.7660, 1.0037, 2.1378, 0.4439, 0.0190, -0.9933, -0.6637],
    ],
}
KINDS = sorted(ANSWERS)


def answers(model, kind):
    if kind == "bert":
        mask, types = tt.tensor([[1] * 5, [1, 1, 1, 0, 0]]), tt.tensor([[0, 0, 1, 1, 1], [0] * 5])
        return model(tt.tensor(TOKENS), mask, types).detach().numpy()[:, 0]
    return model(tt.tensor(TOKENS)).detach().numpy()[:, -1, :8]


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_gives_the_answers_of_transformers(tmp_path, kind):
    model = load_pretrained(write(tmp_path, kind))
    np.testing.assert_allclose(answers(model, kind), ANSWERS[kind], rtol=0, atol=6e-5)  # they have four digits


@pytest.mark.parametrize("kind", KINDS)
def test_every_weight_of_the_model_is_in_its_layout(tmp_path, kind):
    model = load_pretrained(write(tmp_path, kind))
    layout = LAYOUTS[kind](Config(tmp_path, CONFIGS[kind]), set(weights(kind)))
    assert layout.shapes == {name: parameter.shape for name, parameter in model.named_parameters()}


def test_a_file_is_read_with_the_settings_beside_it(tmp_path):
    write(tmp_path, "bert")
    model = load_pretrained(str(tmp_path / "model.safetensors"))
    assert np.array_equal(answers(model, "bert"), answers(load_pretrained(tmp_path), "bert"))


@pytest.mark.parametrize("kind", KINDS)
def test_halves_become_the_same_numbers_in_float32(tmp_path, kind):
    halves = {name: array.astype(np.float16) for name, array in weights(kind).items()}
    (tmp_path / "whole").mkdir()
    model = load_pretrained(write(tmp_path, kind, halves))
    same = write(tmp_path / "whole", kind, {name: array.astype(np.float32) for name, array in halves.items()})
    assert {parameter.dtype for parameter in model.parameters()} == {np.dtype(np.float32)}
    assert np.array_equal(answers(model, kind), answers(load_pretrained(same), kind))


@pytest.mark.parametrize("kind", KINDS)
def test_bfloat16_is_the_upper_half_of_float32(tmp_path, kind):
    upper = {name: (array.view(np.uint32) >> 16).astype(np.uint16) for name, array in weights(kind).items()}
    (tmp_path / "whole").mkdir()
    cut = {name: (array.view(np.uint32) >> 16 << 16).view(np.float32) for name, array in weights(kind).items()}
    model = load_pretrained(write(tmp_path, kind, upper))
    same = load_pretrained(write(tmp_path / "whole", kind, cut))
    assert np.array_equal(answers(model, kind), answers(same, kind))


def test_a_folder_of_several_files_is_read_by_its_index(tmp_path):
    write(tmp_path, "llama")
    (tmp_path / "model.safetensors").unlink()
    places = {name: f"part-{number % 2}.safetensors" for number, name in enumerate(weights("llama"))}
    for part in set(places.values()):
        write_safetensors(tmp_path / part, {name: weights("llama")[name] for name in places if places[name] == part})
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    np.testing.assert_allclose(answers(load_pretrained(tmp_path), "llama"), ANSWERS["llama"], rtol=0, atol=6e-5)


@pytest.mark.parametrize("place", ["../part.safetensors", "/part.safetensors", "part.bin", 3, None])
def test_an_index_names_files_in_its_folder_alone(tmp_path, place):
    write(tmp_path, "llama")
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": place}}))
    assert "names of files beside it" in refused(tmp_path)


OTHER_NAMES = {
    "a GPT-2 with its prefix": ("gpt2", lambda name: f"transformer.{name}"),
    "a Llama without": ("llama", lambda name: name.removeprefix("model.")),
    "a BERT with": ("bert", lambda name: f"bert.{name}"),
    "a BERT of old": ("bert", lambda name: name.replace("Norm.weight", "Norm.gamma").replace("Norm.bias", "Norm.beta")),
}


@pytest.mark.parametrize(("kind", "other"), OTHER_NAMES.values(), ids=OTHER_NAMES)
def test_other_names_for_the_same_weights_are_known(tmp_path, kind, other):
    write(tmp_path, kind, {other(name): array for name, array in weights(kind).items()})
    np.testing.assert_allclose(answers(load_pretrained(tmp_path), kind), ANSWERS[kind], rtol=0, atol=6e-5)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("gpt2", "h.0.attn.bias"),
        ("gpt2", "transformer.h.1.attn.masked_bias"),
        ("llama", "model.layers.0.self_attn.rotary_emb.inv_freq"),
        ("bert", "embeddings.position_ids"),
        ("bert", "cls.predictions.bias"),
    ],
)
def test_what_is_no_weight_is_passed_over_by_name(tmp_path, kind, name):
    write(tmp_path, kind, {**weights(kind), name: np.zeros((1, 6), np.int64)})
    np.testing.assert_allclose(answers(load_pretrained(tmp_path), kind), ANSWERS[kind], rtol=0, atol=6e-5)


def test_a_pooler_is_read_where_there_is_one(tmp_path):
    weight, bias = np.eye(8, dtype=np.float32)[::-1].copy(), np.full(8, 0.5, np.float32)
    write(tmp_path, "bert", {**weights("bert"), "pooler.dense.weight": weight, "pooler.dense.bias": bias})
    model = load_pretrained(tmp_path)
    outputs = model(tt.tensor(TOKENS))
    expected = np.tanh(outputs.detach().numpy()[:, 0, ::-1] + 0.5)
    np.testing.assert_allclose(model.pooled(outputs).detach().numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize(("kind", "table"), [("gpt2", "wte.weight"), ("llama", "model.embed_tokens.weight")])
def test_a_tied_last_layer_may_be_stored_if_it_is_the_table(tmp_path, kind, table):
    arrays = {**weights(kind), "lm_head.weight": weights(kind)[table]}
    model = load_pretrained(write(tmp_path, kind, arrays, tie_word_embeddings=True))
    without = {name: array for name, array in arrays.items() if name != "lm_head.weight"}
    again = load_pretrained(write(tmp_path, kind, without, tie_word_embeddings=True))
    assert np.array_equal(answers(model, kind), answers(again, kind))
    write(tmp_path, kind, {**arrays, "lm_head.weight": arrays[table] + 1}, tie_word_embeddings=True)
    assert "'lm_head.weight' and" in refused(tmp_path)


def test_the_settings_of_rotation_are_found_where_transformers_5_has_them(tmp_path):
    rope = {"rope_type": "default", "rope_theta": 50.0}
    model = load_pretrained(write(tmp_path, "llama", rope_theta="absent", rope_parameters=rope))
    np.testing.assert_allclose(answers(model, "llama"), ANSWERS["llama"], rtol=0, atol=6e-5)


def test_the_epsilon_of_norms_is_the_settings(tmp_path):
    model = load_pretrained(write(tmp_path, "llama", rms_norm_eps=0.25))
    assert model.model["norm"].eps == model.model["layers"][1].input_layernorm.eps == 0.25
    assert load_pretrained(write(tmp_path, "bert", layer_norm_eps=0.25)).embeddings.LayerNorm.eps == 0.25


def refused(folder):
    with pytest.raises(CheckpointError) as raised:
        load_pretrained(folder)
    told = str(raised.value)
    assert told.startswith("load_pretrained: ")
    assert "\n" not in told
    return told


def changed(kind, **arrays):
    """All weights but these, which have other values; without those that are None."""
    arrays = {name.replace("__", "."): array for name, array in arrays.items()}
    return {name: array for name, array in {**weights(kind), **arrays}.items() if array is not None}


BLANK = np.zeros((2, 3), np.float32)
WRONG_WEIGHTS = {
    "missing": ("gpt2", {"h__1__ln_1__bias": None}, "lacks 'transformer.h.1.ln_1.bias'"),
    "several missing": ("gpt2", {"wte__weight": None, "wpe__weight": None}, "'transformer.wpe.weight' and 1 more"),
    "no last layer": ("llama", {"lm_head__weight": None}, "lacks 'lm_head.weight'"),
    "half a pooler": ("bert", {"pooler__dense__weight": BLANK}, "lacks 'pooler.dense.bias'"),
    "unexpected": ("bert", {"classifier__weight": BLANK}, "has the unexpected 'classifier.weight'"),
    "a layer too many": ("llama", {"model__layers__2__mlp__up_proj__weight": BLANK}, "'model.layers.2.mlp.up_proj."),
    "twice": ("gpt2", {"transformer__wte__weight": BLANK}, "has two tensors for 'transformer.wte.weight'"),
    "another shape": ("bert", {"encoder__layer__0__output__dense__bias": BLANK}, "dense.bias' as F32 (2, 3), exp"),
    "not transposed": ("gpt2", {"h__0__attn__c_attn__weight": np.zeros((24, 8), np.float32)}, "F16, BF16 (8, 24)"),
    "integers": ("llama", {"model__norm__weight": np.ones(8, np.int64)}, "'model.norm.weight' as I64 (8,)"),
    "doubles": ("llama", {"model__norm__weight": np.ones(8)}, "'model.norm.weight' as F64 (8,)"),
}


@pytest.mark.parametrize(("kind", "arrays", "sentence"), WRONG_WEIGHTS.values(), ids=WRONG_WEIGHTS)
def test_weights_that_do_not_fit_are_named(tmp_path, kind, arrays, sentence):
    assert sentence in refused(write(tmp_path, kind, changed(kind, **arrays)))


WRONG_SETTINGS = [
    (kind, key, value)
    for kind, keys in {
        "gpt2": ["vocab_size", "n_positions", "n_embd", "n_layer", "n_head"],
        "llama": ["hidden_size", "intermediate_size", "num_hidden_layers", "max_position_embeddings"],
        "bert": ["hidden_size", "num_attention_heads", "type_vocab_size"],
    }.items()
    for key in keys
    for value in (0, -1, 1 << 40, 2.0, "8", True, [8], {"a": 8})
] + [
    ("gpt2", "vocab_size", None),
    ("gpt2", "activation_function", "relu"),
    ("gpt2", "n_inner", 24),
    ("gpt2", "tie_word_embeddings", False),
    ("llama", "rms_norm_eps", "small"),
    ("llama", "rms_norm_eps", math.nan),
    ("llama", "rope_theta", -1),
    ("llama", "rope_scaling", {"type": "linear", "factor": 2}),
    ("llama", "rope_parameters", [1]),
    ("llama", "head_dim", 16),
    ("llama", "attention_bias", True),
    ("llama", "tie_word_embeddings", "yes"),
    ("bert", "hidden_act", "relu"),
    ("bert", "position_embedding_type", "relative_key"),
    ("gpt2", "model_type", "mamba"),
    ("gpt2", "model_type", ["gpt2"]),
]


@pytest.mark.parametrize(("kind", "key", "value"), WRONG_SETTINGS)
def test_settings_that_cannot_be_are_named(tmp_path, kind, key, value):
    told = refused(write(tmp_path, kind, **{key: value}))
    name = "type" if isinstance(value, dict) and "type" in value else key
    assert f"config.json expected '{name}' as " in told


@pytest.mark.parametrize(("kind", "key"), [("gpt2", "n_head"), ("bert", "num_attention_heads")])
def test_sizes_that_do_not_divide_are_told(tmp_path, kind, key):
    assert "divide" in refused(write(tmp_path, kind, **{key: 3}))


def test_sizes_are_believed_only_where_the_weights_have_them(tmp_path):
    told = refused(write(tmp_path, "gpt2", vocab_size=1 << 24, n_embd=1 << 24, n_layer=1))  # would be 10^15 bytes
    assert "has the unexpected 'h.1" in told


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "\xff", "[" * 100_000, '{"a": ' + "1" * 10_000 + "}", " " * (17 << 20)]
)
def test_settings_that_cannot_be_read_are_one_sentence(tmp_path, text):
    write(tmp_path, "gpt2")
    (tmp_path / "config.json").write_text(text, encoding="latin-1")
    assert "config.json" in refused(tmp_path)


def test_a_file_that_is_cut_anywhere_is_one_sentence(tmp_path):
    write(tmp_path, "bert")
    path = tmp_path / "model.safetensors"
    content = path.read_bytes()
    for length in (0, 7, 8, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        assert "model.safetensors cannot be read: " in refused(tmp_path)


def test_what_is_not_there_is_told(tmp_path):
    assert "config.json cannot be read" in refused(tmp_path / "nowhere")
    write(tmp_path, "gpt2")
    (tmp_path / "model.safetensors").unlink()
    assert "there is no file" in refused(tmp_path)


def test_without_the_package_it_is_said_what_to_install(tmp_path, monkeypatch):
    write(tmp_path, "gpt2")
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(CheckpointError, match=r"pip install 'tinytorch-core\[safetensors\]'"):
        load_pretrained(tmp_path)
