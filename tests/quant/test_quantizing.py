"""`quantize`: every mode on every kind of model, by layer, saved and read back; and what it refuses."""

import copy
from dataclasses import replace

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import models, nn
from tinytorch.recipes import find, load_model, prepare, save_model
from tinytorch_quant import PackedModel, QuantConfig, dequantize, left_in_float, quantize
from tinytorch_quant.measuring import bytes_in_memory

STATIC, DYNAMIC, STORED = (QuantConfig(mode=mode) for mode in ("static", "dynamic", "weight_only"))
MODES = pytest.mark.parametrize("config", [STATIC, DYNAMIC, STORED], ids=lambda config: config.mode)


def small(seed=0, activation=nn.Sigmoid):
    tt.manual_seed(seed)
    model = nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 8, 3, groups=2),
        nn.ReLU6(),
        nn.Flatten(),
        nn.Linear(8 * 2 * 2, 12),
        activation(),
        nn.Linear(12, 5),
    ).eval()
    for part in (model[0], model[4], model[7]):
        part.weight.array *= 3.0  # drawn weights would give nearly the same for every input
    return model


def batches(count=4, rows=8):
    generator = np.random.default_rng(5)
    return [tt.tensor(generator.standard_normal((rows, 1, 8, 8)).astype(np.float32)) for _ in range(count)]


def lost(model, quantized, x):
    """Root mean square of what changed, as a share of that of the outputs."""
    with tt.no_grad():
        exact, found = model(x).numpy(), quantized(x).numpy()
    assert found.shape == exact.shape
    assert found.dtype == np.float32
    return np.sqrt(np.square(found - exact).mean() / np.square(exact - exact.mean(0)).mean())


@MODES
def test_a_quantized_model_computes_nearly_the_same(config):
    model, data = small(), batches()
    before = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    quantized = quantize(model, config, data)
    assert lost(model, quantized, data[0]) < 0.05
    with tt.no_grad():
        assert quantized(data[0][:1]).shape == (1, 5)  # another batch size
    assert all(np.array_equal(before[name], value.numpy()) for name, value in model.state_dict().items())


@MODES
def test_more_bits_lose_less(config):
    model, data = small(), batches()
    losses = [lost(model, quantize(model, QuantConfig(mode=config.mode, bits=bits), data), data[0]) for bits in (8, 4)]
    assert losses[0] * 2 < losses[1] < 0.5


def test_a_static_model_computes_with_integers_alone():
    quantized = quantize(small(), STATIC, batches())
    assert isinstance(quantized, PackedModel)
    assert left_in_float(quantized) == []
    assert {step.op for step in quantized.steps} == {
        "int8_conv2d", "int8_max_pool2d", "reshape_to", "int8_linear", "int8_lookup",
    }  # fmt: skip
    assert {name: str(value.dtype) for name, value in quantized.state_dict().items()} == {
        "all_int8": "int8",
        "all_int32": "int32",
        "digest": "uint8",
    }


def test_residuals_are_added_as_codes():
    tt.manual_seed(0)
    model, x = models.resnet8().eval(), tt.randn(4, 3, 32, 32)
    quantized = quantize(model, STATIC, [x])
    assert [step.op for step in quantized.steps].count("int8_add") == 3
    assert left_in_float(quantized) == []
    assert lost(model, quantized, x) < 0.3


class Residual(nn.Module):
    """A residual in the root's own forward, through a layer that is called as an attribute of models is."""

    def __init__(self):
        super().__init__()
        self.output = nn.Linear(4, 4)

    def forward(self, x):
        return self.output(x) + x


def test_layers_may_be_called_anything():
    model, x = Residual().eval(), tt.randn(16, 4)
    quantized = quantize(model, STATIC, [x])
    assert left_in_float(quantized) == []
    assert lost(model, quantized, x) < 0.05
    assert lost(model, dequantize(quantized), x) < 0.05


def test_a_copy_computes_with_what_it_loads():
    x = batches(1)[0]
    first, other = (quantize(small(seed), STATIC, [x]) for seed in (0, 0))
    other.all_int8.array[:] = 0
    twin = copy.deepcopy(first)
    twin.load_state_dict(other.state_dict())
    assert np.array_equal(twin(x).numpy(), other(x).numpy())
    assert not np.array_equal(twin(x).numpy(), first(x).numpy())
    assert bytes_in_memory(twin) == bytes_in_memory(first) == first.nbytes


def test_a_state_of_other_scales_is_refused():
    model, x = small(), batches(1)[0]
    first, other = quantize(model, STATIC, [x]), quantize(model, STATIC, [x * 1.5])
    before = first(x).numpy()
    with pytest.raises(ValueError, match="load_state_dict: the state belongs to a PackedModel of other steps or sc"):
        first.load_state_dict(other.state_dict())
    assert np.array_equal(first(x).numpy(), before)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: quantize(small(), "int8"), TypeError, "quantize: expected a QuantConfig, got 'int8'"),
        (lambda: quantize(small(), STATIC, tt.ones(4, 1, 8, 8)), TypeError, "expected batches, got Tensor"),
        (lambda: QuantConfig(layers={"0": 5}), ValueError, "layer '0' may have"),
        (lambda: QuantConfig(layers=["0"]), TypeError, "expected layers as options by name"),
        (
            lambda: quantize(nn.Embedding(4, 2), STATIC, [tt.tensor([[1, 2]])]),
            ValueError,
            "static mode needs inputs of floats; a model of tokens takes mode='weight_only'",
        ),
        (lambda: quantize(quantize(small(), STATIC, batches()), STORED), TypeError, "quantized already; dequantize"),
    ],
)
def test_what_is_mistaken_is_one_sentence(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_a_static_model_stays_in_float32():
    quantized = quantize(small(), QuantConfig(layers={"7": None}), batches())
    assert quantized.float() is quantized
    with pytest.raises(TypeError, match="to: a PackedModel computes in float32, got float64; dequantize it first"):
        quantized.double()


def test_layers_may_have_bits_of_their_own_or_stay_float():
    model, data = small(), batches()
    config = QuantConfig(layers={"4": {"bits": 4}, "[79]": None, "9": {}})
    quantized = quantize(model, config, data)
    assert left_in_float(quantized) == ["7 (linear)"]
    assert [step.op for step in quantized.steps if step.op == "int4_unpack"] == ["int4_unpack"]
    assert lost(model, quantized, data[0]) < 0.2
    assert left_in_float(quantize(model, QuantConfig(mode="weight_only", layers={"0": None}))) == ["0"]


@MODES
def test_a_name_that_no_layer_has_is_told_with_those_that_there_are(config):
    with pytest.raises(ValueError, match=r"no layer is called 'head\.\*'; there are 0, 1, 2"):
        quantize(small(), replace(config, layers={"0": None, "head.*": None}), batches())


def test_a_filter_chooses_layers():
    quantized = quantize(small(), STATIC, batches(), filter=lambda module, name: not isinstance(module, nn.Linear))
    assert left_in_float(quantized) == ["7 (linear)", "9 (linear)"]


def test_what_has_no_integer_step_is_left_in_float_or_refused():
    model = nn.Sequential(nn.Linear(6, 6), nn.LayerNorm(6), nn.Linear(6, 2)).eval()
    x = tt.randn(16, 6)
    quantized = quantize(model, STATIC, [x])
    assert left_in_float(quantized) == ["1 (layer_norm)"]
    assert lost(model, quantized, x) < 0.05
    with pytest.raises(ValueError, match=r"cannot quantize '1' \(layer_norm\); unsupported='float' leaves them"):
        quantize(model, QuantConfig(unsupported="refuse"), [x])
    attention = nn.ModuleDict({"a": nn.MultiheadAttention(8, 2)})
    with pytest.raises(ValueError, match=r"cannot quantize a; unsupported='float' leaves them"):
        quantize(attention, QuantConfig(mode="weight_only", unsupported="refuse"))
    assert left_in_float(quantize(attention, STORED)) == ["a"]


@MODES
def test_dequantizing_gives_a_float_model_of_the_rounded_weights(config):
    model, data = small(activation=nn.Identity), batches()  # a table does not say what it was made of
    quantized = quantize(model, config, data)
    back = dequantize(quantized)
    assert lost(model, back, data[0]) < 0.05
    assert lost(quantized, back, data[0]) < 0.05
    if config.mode != "static":
        assert list(back.state_dict()) == list(model.state_dict())


@pytest.mark.parametrize("kind", ["gpt", "llama"])
@pytest.mark.parametrize("bits", [8, 4])
def test_language_models_store_codes_and_write_on(kind, bits):
    tt.manual_seed(0)
    sizes = {"vocab_size": 40, "max_length": 32, "layers": 2, "heads": 2, "width": 32}
    model = models.GPT(**sizes) if kind == "gpt" else models.Llama(**sizes, hidden=48, tied=True)
    quantized = quantize(model.eval(), QuantConfig(mode="weight_only", bits=bits, granularity=32))
    assert left_in_float(quantized) == []
    assert quantized.generate([1, 2], 10, temperature=0).shape == (1, 10)
    tokens = tt.randint(0, 40, (2, 9))
    assert lost(model, quantized, tokens) < {8: 0.05, 4: 0.5}[bits]
    table = quantized.lm_head.qweight
    first = quantized.transformer["wte"] if kind == "gpt" else quantized.model["embed_tokens"]
    assert first.qweight is table  # a weight that two layers share is stored once


@pytest.mark.parametrize("tied", [True, False])
def test_the_output_head_of_a_language_model_keeps_8_bits_unless_told(tied):
    model = models.Llama(vocab_size=40, max_length=32, layers=2, heads=2, width=32, hidden=48, tied=tied).eval()
    four = QuantConfig(mode="weight_only", bits=4)
    for config, head, table in (
        (four, 8, 8 if tied else 4),
        (replace(four, head_bits=4), 4, 4),
        (replace(four, layers={"lm_head": {"bits": 4}}), 4, 8 if tied else 4),  # the table keeps what it is as a head
    ):
        parts = quantize(model, config).named_modules()
        stored = {name: each.qweight.bits for name, each in parts if hasattr(each, "qweight")}
        assert (stored.pop("lm_head"), stored.pop("model.embed_tokens")) == (head, table)
        assert set(stored.values()) == {4}


def test_bert_stores_codes():
    tt.manual_seed(0)
    model = models.BertEncoder(vocab_size=50, layers=2, heads=2, width=32, hidden=64, max_length=16).eval()
    quantized = quantize(model, STORED)
    assert left_in_float(quantized) == []
    assert lost(model, quantized, tt.randint(0, 50, (2, 7))) < 0.05


@pytest.mark.parametrize(
    "config",
    [STATIC, QuantConfig(bits=4, layers={"0": None}), DYNAMIC, QuantConfig(mode="weight_only", bits=4, granularity=32)],
    ids=["static", "mixed", "dynamic", "weight_only"],
)
@pytest.mark.parametrize("ending", [".npz", ".safetensors"])
def test_a_file_alone_is_enough_to_go_on(quant_available, tmp_path, config, ending):
    pytest.importorskip("safetensors")
    run = prepare(find("digits-cnn"), epochs=1)
    run.trainer.save_checkpoint(tmp_path / "run.npz")
    saved = load_model(tmp_path / "run.npz")
    x = next(iter(saved.test_batches))[0]
    quantized = quantize(saved.model, config, [x])
    save_model(saved.having(quantized), tmp_path / f"small{ending}")
    with tt.plugins.using("quant"):
        again = load_model(tmp_path / f"small{ending}")
    assert again.evaluate() == saved.having(quantized).evaluate()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: quantize(small()), "static mode needs examples"),
        (lambda: quantize(small(), STATIC, []), "static mode needs examples"),
        (
            lambda: quantize(small(), STATIC, [tt.full((2, 1, 8, 8), float("nan"))]),
            "what 'input' gives cannot be rounded",
        ),
        (lambda: quantize(exploding(), STATIC, [tt.ones(2, 4)]), "what '1' gives cannot be rounded"),
        (lambda: quantize(nn.ReLU(), STORED), "found no Linear, Embedding or Conv2d"),
        (lambda: dequantize(small()), "expected a quantized model, found no codes in it"),
        (lambda: QuantConfig(mode="some"), "expected mode as one of"),
        (lambda: QuantConfig(bits=2), "expected bits as one of"),
        (lambda: QuantConfig(granularity=32), "static mode needs symmetric weights, by tensor or channel"),
        (lambda: QuantConfig(layers={"0": {"size": 1}}), "layer '0' may have"),
        (lambda: QuantConfig(layers={"0": {"bits": 5}}), "expected bits as one of"),
    ],
)
def test_what_cannot_be_is_one_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def exploding():
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4)).eval()
    for part in model:
        part.weight.array[:] = 1e30
    return model


@pytest.mark.parametrize("batch", [tt.zeros(4, 1, 8, 8), tt.full((4, 1, 8, 8), 3.0)], ids=["zeros", "constant"])
def test_constant_activations_divide_by_nothing(batch):
    model = small()
    quantized = quantize(model, STATIC, [batch])
    with tt.no_grad():
        found, exact = quantized(batch).numpy(), model(batch).numpy()
    assert np.abs(found - exact).max() < 0.1


def test_weights_of_zeros_are_zeros_in_codes():
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)).eval()
    model[0].weight.array[1] = 0.0
    model[2].weight.array[:] = 0.0
    for config in (STATIC, DYNAMIC, STORED, QuantConfig(bits=4)):
        assert lost_absolutely(model, quantize(model, config, [tt.randn(8, 4)])) < 0.02


def lost_absolutely(model, quantized):
    x = tt.randn(8, 4)
    with tt.no_grad():
        return np.abs(model(x).numpy() - quantized(x).numpy()).max()


def test_probabilities_are_codes_of_their_own_scale():
    model = nn.Sequential(nn.Linear(6, 5), nn.Softmax(dim=-1)).eval()
    x = tt.randn(32, 6)
    quantized = quantize(model, STATIC, [x])
    assert [step.op for step in quantized.steps] == ["int8_linear", "int8_softmax"]
    assert quantized.output.scale == 1.0 / 256.0
    with tt.no_grad():
        assert np.abs(model(x).numpy() - quantized(x).numpy()).max() < 0.02
