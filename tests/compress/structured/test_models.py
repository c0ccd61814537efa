"""The framework's own models, pruned by half: the same numbers as with zeros, and what the formulas say."""

import copy

import pytest
from structured_checks import far, macs_by_formula, parameters_by_formula, structure, zeroed

import tinytorch as tt
from tinytorch import models, nn
from tinytorch_compress import cost
from tinytorch_compress.structured import dependencies, prune_structured, restructure


def tokens():
    return tt.randint(0, 50, (2, 7))


CASES = {
    "mlp": (lambda: models.mlp(8, 16, 12, 3), lambda: tt.randn(2, 8)),
    "digits_cnn": (models.digits_cnn, lambda: tt.randn(2, 1, 8, 8)),
    "autoencoder": (models.autoencoder, lambda: tt.randn(2, 640)),
    "resnet8": (models.resnet8, lambda: tt.randn(1, 3, 32, 32)),
    "mobilenet_v1": (models.mobilenet_v1, lambda: tt.randn(1, 3, 96, 96)),
    "ds_cnn": (models.ds_cnn, lambda: tt.randn(1, 1, 49, 10)),
    "gpt": (lambda: models.GPT(50, 16, 2, 4, 32), tokens),
    "llama": (lambda: models.Llama(50, 16, 2, 8, 64, 80, kv_heads=4), tokens),
    "bert": (lambda: models.BertEncoder(50, 16, 2, 4, 32, 64), tokens),
}


SECOND = {"gpt": "transformer.h.1.attn", "llama": "model.layers.1.self_attn"}


@pytest.fixture(params=CASES)
def case(request):
    tt.manual_seed(3)
    make, inputs = CASES[request.param]
    return make, inputs()


def test_a_model_is_pruned_by_half(case):
    make, x = case
    model = make()
    dense = copy.deepcopy(model)
    names = [name for name, _ in model.named_parameters()]
    prune_structured(model, x)

    kept = structure(model)["kept"]
    assert far(model, zeroed(dense, structure(model)), x) < 1e-6
    assert cost(model, x).parameters == parameters_by_formula(dense, kept) < 0.7 * cost(dense, x).parameters
    assert [name for name, _ in model.named_parameters()] == names
    with tt.enable_grad():  # as without: language models have a way of their own for each
        assert far(model, zeroed(dense, structure(model)), x) < 1e-6

    fresh = restructure(make(), structure(model))
    fresh.load_state_dict(model.state_dict())
    assert far(fresh, model, x) == 0.0
    assert repr(fresh) == repr(model)


def test_a_pruned_model_takes_a_step(case):
    make, x = case
    model = prune_structured(make(), x, 0.3).train()
    before = [parameter.array.copy() for parameter in model.parameters()]
    out = model(x if x.shape[0] > 1 else tt.cat([x, x]))
    (out * out).mean().backward()
    tt.optim.SGD(model.parameters(), lr=1.0).step()
    assert any((old != new.array).any() for old, new in zip(before, model.parameters(), strict=True))


@pytest.mark.parametrize(
    ("name", "macs"), [("resnet8", 12501632), ("mobilenet_v1", 7489664), ("ds_cnn", 2656768), ("autoencoder", 264192)]
)
def test_macs_are_those_that_mlperf_publishes(name, macs):
    make, inputs = CASES[name]
    model, x = make(), inputs()[:1]
    assert cost(model, x).macs == macs == macs_by_formula(model, x)
    prune_structured(model, x)
    assert cost(model, x).macs == macs_by_formula(model, x) < 0.5 * macs


@pytest.mark.parametrize("name", ["gpt", "llama"])
def test_macs_of_language_models_are_the_formula_s(name):
    make, inputs = CASES[name]
    model, x = make(), inputs()
    for _ in range(2):
        rows = x.shape[0] * x.shape[1]
        layers = [parameter for name, parameter in model.named_parameters() if _is_product(name)]
        products = rows * sum(parameter.array.size for parameter in layers) + rows * 32 * 50 * (name == "gpt")
        attention = sum(2 * heads * width * rows * x.shape[1] for heads, width in _heads(model))
        assert cost(model, x).macs == products + attention
        prune_structured(model, x)


def _is_product(name):
    return name.endswith("weight") and not any(part in name for part in ("norm", "ln_", "embed", "wte", "wpe"))


def _heads(model):
    found = [each for each in model.modules() if isinstance(getattr(each, "heads", None), int)]
    return [(each.heads, each.head if hasattr(each, "head") else each.rotary.dim) for each in found]


def test_heads_go_with_the_key_head_that_they_share():
    model = models.Llama(50, 16, 1, 8, 64, 80, kv_heads=4)
    prune_structured(model, tokens(), 0.5, ignored=["*.mlp"])
    attention = model.model["layers"][0].self_attn
    assert (attention.heads, attention.kv_heads) == (4, 2)
    assert [each.weight.shape for each in (attention.q_proj, attention.k_proj, attention.o_proj)] == [
        (32, 64),
        (16, 64),
        (64, 32),
    ]
    assert attention.q_proj.out_features == 32


@pytest.mark.parametrize("name", ["gpt", "llama"])
def test_a_pruned_language_model_writes(name):
    make, inputs = CASES[name]
    model = prune_structured(make(), inputs()).eval()
    assert model.kv_shape.heads == 2
    written = model.generate([1, 2, 3], 5, temperature=0.0)
    with tt.no_grad():
        assert written[0, 0].item() == model(tt.tensor([[1, 2, 3]])).array[0, -1].argmax()


@pytest.mark.parametrize("name", ["gpt", "llama"])
def test_layers_with_different_heads_have_no_common_cache(name):
    make, inputs = CASES[name]
    model = prune_structured(make(), inputs(), ignored=[SECOND[name]])
    assert model.kv_shape is None
    assert model.eval().generate([1, 2, 3], 2).shape == (1, 2)


def test_attention_of_pytorch_s_kind_loses_heads():
    tt.manual_seed(0)
    layer, x = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True), tt.randn(2, 5, 32)
    model = nn.Sequential(layer, nn.Linear(32, 3))
    dense = copy.deepcopy(model)
    prune_structured(model, x, 0.25)
    assert layer.self_attn.num_heads == 3
    assert far(model, zeroed(dense, structure(model)), x) < 1e-6


def test_trained_stories_lose_a_little(stories):
    model = models.load_llama2c(stories / "stories260K.bin")
    dense = copy.deepcopy(model)
    x = tt.tensor([[1, 403, 407, 261]])
    prune_structured(model, x, 0.1, global_=True)
    assert far(model, zeroed(dense, structure(model)), x) < 1e-6
    found = dependencies(dense, x)
    assert {len(group.units) for group in found.groups} == {4, 172}
