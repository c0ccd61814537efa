"""Training with rounding: what is trained is what the integer model computes."""

import copy

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import nn
from tinytorch.core.training import Trainer
from tinytorch_quant import (
    QuantConfig,
    convert,
    disable_fake_quant,
    disable_observer,
    enable_observer,
    freeze_bn_stats,
    left_in_float,
    prepare_qat,
    quantize,
    update_bn_stats,
)

CONFIG = QuantConfig(bits=4, activation_bits=4)


def with_norm():
    tt.manual_seed(0)
    parts = [nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 4 * 4, 3)]
    return nn.Sequential(*parts)


def batches():
    generator = np.random.default_rng(0)
    x = generator.standard_normal((8, 16, 1, 6, 6)).astype(np.float32)
    return [(tt.tensor(each), tt.tensor((each.mean((1, 2, 3)) > 0).astype(np.int64))) for each in x]


def trained(model, epochs=3):
    optimizer = tt.optim.Adam(model.parameters(), lr=0.01)
    return Trainer(model, optimizer, nn.functional.cross_entropy).fit(batches(), epochs)


def test_a_trainer_trains_it_and_the_integer_model_follows():
    x = batches()[0][0]
    model = prepare_qat(with_norm(), x, CONFIG)
    history = trained(model, 10)
    assert history[-1]["loss"] < history[0]["loss"]
    model.eval()
    made = convert(model)
    with tt.no_grad():
        fake, found = model(x).numpy(), made(x).numpy()
    assert (fake.argmax(1) == found.argmax(1)).mean() > 0.9
    assert np.sqrt(np.square(fake - found).mean()) < 0.15 * fake.std()  # bias and multipliers are rounded, too


def test_ops_that_stay_in_float_are_converted():
    model, x = nn.Sequential(nn.Linear(6, 6), nn.LayerNorm(6), nn.Linear(6, 2)), tt.randn(16, 6)
    prepared = prepare_qat(model, x)
    prepared(x)
    made = convert(prepared)
    assert left_in_float(made) == ["1 (layer_norm)"]
    with tt.no_grad():
        assert np.abs(made(x).numpy() - prepared.eval()(x).numpy()).max() < 0.05


def test_disabled_observers_keep_their_ranges():
    x = batches()[0][0]
    model = prepare_qat(with_norm(), x)
    model(x)
    ranges = [part.observer.range() for part in model.activations if hasattr(part, "observer")]
    disable_observer(model)
    model(x * 100.0)
    assert ranges == [part.observer.range() for part in model.activations if hasattr(part, "observer")]
    enable_observer(model)
    model(x * 100.0)
    assert ranges != [part.observer.range() for part in model.activations if hasattr(part, "observer")]


def test_calibrated_ranges_hold_until_observers_are_enabled():
    x = batches()[0][0]
    model = prepare_qat(with_norm(), x, CONFIG, [x])
    (scale, zero_point) = model.activations[0].qparams
    trained(model, 1)
    assert model.activations[0].qparams == (scale, zero_point)
    assert convert(model).scales["q0"] == (scale, zero_point)
    enable_observer(model)
    model.train()(x * 10.0)
    assert float(model.activations[0].calculate_qparams()[0].array) > 5.0 * scale


@pytest.mark.parametrize("calibration", [None, [batches()[0][0]]], ids=["averages", "calibrated"])
def test_training_resumes_from_a_state(calibration):
    x = batches()[0][0]
    first = prepare_qat(with_norm(), x, CONFIG, calibration)
    trained(first, 1)
    again = prepare_qat(with_norm(), x, CONFIG)
    again.load_state_dict(copy.deepcopy(first.state_dict()))
    assert convert(again).scales == convert(first).scales
    trained(first, 1)
    trained(again, 1)
    for name, value in first.state_dict().items():
        assert np.array_equal(again.state_dict()[name].numpy(), value.numpy(), equal_nan=True), name


def test_means_are_rounded_as_the_integer_model_rounds_them():
    tt.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(16, 3))
    x = batches()[0][0]
    prepared = prepare_qat(model, x, CONFIG)
    prepared(x)
    prepared.eval()
    (scale, _) = prepared.activations[1].calculate_qparams()
    with tt.no_grad():
        means = prepared.activations[2](prepared.layers[1](prepared.activations[1](prepared.layers[0](x))))
    codes = means.numpy() / scale.item()
    np.testing.assert_allclose(codes, np.rint(codes), atol=1e-4)
    assert len(np.unique(np.rint(codes))) <= 16


def test_frozen_norms_keep_their_averages_and_learn():
    model = prepare_qat(with_norm(), batches()[0][0])
    norm = model.layers[0].norm
    trained(model, 1)
    before, weight = norm.running_mean.numpy().copy(), norm.weight.detach().numpy().copy()
    freeze_bn_stats(model)
    trained(model, 1)
    assert np.array_equal(norm.running_mean.numpy(), before)
    assert not np.array_equal(norm.weight.detach().numpy(), weight)
    update_bn_stats(model)
    trained(model, 1)
    assert not np.array_equal(norm.running_mean.numpy(), before)


def test_a_norm_that_learns_computes_what_it_did_before_rounding():
    x, model = batches()[0][0], with_norm()
    ours = prepare_qat(model, x, QuantConfig(layers={"*": None}))
    disable_fake_quant(ours)
    with tt.no_grad():
        np.testing.assert_allclose(ours(x).numpy(), model.train()(x).numpy(), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(
        ours.layers[0].norm.running_var.numpy(), model[1].running_var.numpy(), rtol=1e-3, atol=1e-4
    )


def test_the_given_model_is_not_changed():
    model = with_norm()
    before = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    trained(prepare_qat(model, batches()[0][0]), 1)
    assert all(np.array_equal(before[name], value.numpy()) for name, value in model.state_dict().items())


def test_what_cannot_be_is_one_sentence():
    x = batches()[0][0]
    with pytest.raises(ValueError, match="prepare_qat: expected a config of static mode, got 'dynamic'"):
        prepare_qat(with_norm(), x, QuantConfig(mode="dynamic"))
    with pytest.raises(TypeError, match="convert: expected a model that prepare_qat has made, got Sequential"):
        convert(with_norm())
    with pytest.raises(ValueError, match="has seen no data"):
        convert(prepare_qat(with_norm(), x))
    assert quantize(with_norm(), CONFIG, [x]).eval()(x).shape == (16, 3)
