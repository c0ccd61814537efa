"""Layers of low rank are the nearest of that rank, smaller, and plain."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinytorch as tt
from tinytorch import models, nn, recipes
from tinytorch_compress.low_rank import LowRank, factorize, factorized_like, spectrum
from tinytorch_compress.masking import set_mask


def linear_of_rank(rank, out, into, seed=0):
    rng = np.random.default_rng(seed)
    layer = nn.Linear(into, out)
    weight = rng.standard_normal((out, rank)) @ rng.standard_normal((rank, into))
    layer.weight.detach().copy_(tt.tensor(weight.astype("float32")))
    return layer


def product(pair):
    first, second = (part.weight.detach().numpy() for part in pair)
    return second.reshape(len(second), -1) @ first.reshape(len(first), -1)


@settings(deadline=None)
@given(st.integers(8, 12), st.integers(8, 12), st.integers(1, 3), st.integers(0, 99))
def test_the_error_is_that_of_the_singular_values_left_out(out, into, rank, seed):
    layer = linear_of_rank(min(out, into), out, into, seed)
    weight, values = layer.weight.detach().numpy().copy(), spectrum(layer)
    pair = factorize(nn.Sequential(layer), rank=rank)[0]
    error = np.linalg.norm(weight - product(pair))
    assert error == pytest.approx(np.linalg.norm(values[rank:]), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (lambda bias: nn.Conv2d(6, 8, (3, 2), stride=(2, 1), padding=1, dilation=(1, 2), bias=bias), (2, 6, 9, 8)),
        (lambda bias: nn.Conv1d(6, 8, 3, stride=2, padding=1, bias=bias), (2, 6, 9)),
        (lambda bias: nn.Linear(9, 8, bias=bias), (2, 3, 9)),
    ],
)
def test_a_layer_of_that_rank_keeps_its_answers(layer, shape, bias):
    made = layer(bias)
    matrix = np.random.default_rng(0).standard_normal((8, 2)) @ np.random.default_rng(1).standard_normal(
        (2, made.weight.numel() // 8)
    )
    made.weight.detach().copy_(tt.tensor(matrix.reshape(made.weight.shape).astype("float32")))
    x = tt.randn(*shape)
    expected = made(x).detach().numpy()
    model = factorize(nn.Sequential(made), energy=1 - 1e-9)
    assert [type(part) for part in model[0]] == [type(made)] * 2
    assert model[0][0].weight.shape[0] == 2
    np.testing.assert_allclose(model(x).detach().numpy(), expected, rtol=1e-4, atol=1e-4)


def test_energy_takes_the_least_rank_that_keeps_it():
    layer = nn.Linear(8, 8, bias=False)
    layer.weight.detach().copy_(tt.tensor(np.diag([4.0, 2.0, 1.0, 0, 0, 0, 0, 0]).astype("float32")))
    for energy, rank in ((16 / 21, 1), (16.1 / 21, 2), (20 / 21, 2), (20.5 / 21, 3), (1.0, 3)):
        model = factorize(nn.Sequential(nn.Sequential(layer)), energy=energy)
        assert model[0][0][0].out_features == rank
        model[0].add_module("0", layer)


def test_it_is_trained_and_saved_like_any_other(known, trained, tmp_path):
    saved = recipes.load_model(trained)
    before = saved.evaluate()["accuracy"]
    factorize(saved.model, rank=20)
    assert saved.model[1][0].weight.shape == (20, 64)
    saved.trainer(2, 1e-3).fit(saved.train_batches, 2)
    assert saved.evaluate()["accuracy"] > before - 0.05
    recipes.save_model(saved, tmp_path / "thin.npz")
    again = recipes.load_model(tmp_path / "thin.npz")
    assert again.evaluate() == saved.evaluate()


def test_what_would_not_be_smaller_or_is_shared_or_masked_stays():
    model = models.mlp(64, 32, 10)
    factorize(model, rank=9)
    assert [type(part) for part in model] == [nn.Flatten, LowRank, nn.ReLU, nn.Linear]  # 9 · 42 > 320
    shared = nn.Linear(9, 9)
    masked = nn.Linear(9, 9)
    set_mask(masked, "weight", np.ones((9, 9), "float32"))
    grouped = nn.Conv2d(8, 8, 3, groups=2)
    net = nn.Sequential(shared, shared, masked, grouped, nn.Linear(9, 9))
    factorize(net, rank=2)
    assert [type(part).__name__ for part in net] == ["Linear", "Linear", "Linear", "Conv2d", "LowRank"]
    tied = models.GPT(40, 8, layers=1, heads=2, width=32)
    factorize(tied, rank=3)
    assert tied.lm_head.weight is tied.transformer["wte"].weight
    assert isinstance(tied.transformer["h"][0].attn.c_attn, LowRank)
    tokens = tt.zeros(1, 4).long()
    with tt.no_grad():
        at_once = tied.eval()(tokens).numpy()
    np.testing.assert_allclose(tied.train()(tokens).detach().numpy(), at_once, rtol=1e-5, atol=1e-5)
    tied(tokens).sum().backward()
    assert tied.transformer["h"][0].attn.c_attn[0].weight.grad is not None


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "expected either a rank or an energy"),
        ({"rank": 2, "energy": 0.5}, "expected either a rank or an energy"),
        ({"rank": 0}, "expected rank of 1 or more"),
        ({"rank": 2.5}, "expected rank as a whole number"),
        ({"energy": 0.0}, "expected energy above 0 and up to 1"),
        ({"energy": float("nan")}, "expected energy above 0 and up to 1"),
        ({"rank": 60}, "no layer of Sequential becomes smaller"),
        ({"rank": 2, "ignored": ["4"]}, "there is no weight '4' to ignore; there are 1.weight, 3.weight"),
        ({"rank": 2, "ignored": ["1", "3.weight"]}, "no layer of Sequential becomes smaller"),
    ],
)
def test_what_is_refused_changes_nothing(options, sentence):
    model = models.mlp(12, 12, 10)
    with pytest.raises((TypeError, ValueError), match=sentence):
        factorize(model, **options)
    assert [type(part) for part in model] == [nn.Flatten, nn.Linear, nn.ReLU, nn.Linear]


def test_weights_that_are_no_numbers_are_one_sentence():
    model = models.mlp(12, 12, 10)
    model[1].weight.array[0, 0] = np.nan
    with pytest.raises(ValueError, match="low_rank: expected finite weights, got others in layer '1'"):
        factorize(model, rank=2)
    assert [type(part) for part in factorize(model, rank=2, ignored="[1]")][3] is LowRank


@pytest.mark.parametrize(
    "structure",
    [
        {},
        {"ranks": 3},
        {"ranks": {"1": "2"}},
        {"ranks": {"1": 0}},
        {"ranks": {"1": 6}},
        {"ranks": {"7": 1}},
        {"ranks": {"": 1}},
    ],
)
def test_a_structure_that_cannot_be_is_refused(structure):
    with pytest.raises(ValueError, match="low_rank: expected ranks that the layers can have"):
        factorized_like(models.mlp(12, 12, 10), structure)
