"""What quantizing must reach on trained models: accuracy, loss, bytes."""

import functools

import pytest
import trained

import tinytorch as tt
from tinytorch_quant import QuantConfig, quantize
from tinytorch_quant.measuring import bytes_in_memory, bytes_on_disk

SMALL = 0.27  # of the float model's bytes: int8 is a quarter, and constants come on top
FOUR_BITS = QuantConfig(bits=4, activation_bits=4, granularity="tensor")
SEEDS = range(3)

digits = functools.cache(trained.digits)
accuracy_of = trained.accuracy_of


@pytest.fixture(scope="module")
def small():
    """The digits network in int8, as its defaults make it."""
    run, calibration = digits(0)
    return run, quantize(run.trainer.model, QuantConfig(), calibration)


def test_digits_in_int8_know_as_many_within_half_a_point(small):
    run, quantized = small
    assert abs(accuracy_of(run, quantized) - accuracy_of(run, run.trainer.model)) <= 0.005


@pytest.mark.parametrize("ending", [".npz", ".safetensors"])
def test_digits_in_int8_are_a_quarter_as_large(small, ending):
    pytest.importorskip("safetensors")
    run, quantized = small
    assert bytes_on_disk(quantized, ending) <= SMALL * bytes_on_disk(run.trainer.model, ending)
    assert bytes_in_memory(quantized) <= SMALL * bytes_in_memory(run.trainer.model)


def test_training_with_four_bits_beats_rounding_to_four_bits():
    margins = []
    for seed in SEEDS:
        run, calibration = digits(seed)
        rounded = quantize(run.trainer.model, FOUR_BITS, calibration)
        learned = trained.learned(run, FOUR_BITS, calibration)
        margins.append(accuracy_of(run, learned) - accuracy_of(run, rounded))
    assert sum(margins) / len(margins) >= 0.01, margins
    assert min(margins) > 0.0, margins


@pytest.fixture(scope="module")
def spotter():
    """The keyword spotter, read once."""
    return functools.cache(trained.keyword_spotter)


@pytest.mark.parametrize("first", [0, 500])
def test_keywords_in_int8_are_known_within_a_point(real_data, spotter, first):
    model, features, labels = spotter(real_data("kws"))
    quantized = quantize(model, QuantConfig(), [tt.tensor(features[first : first + 100])])
    before = trained.known_keywords(model, features, labels)
    assert before > 0.9
    assert abs(trained.known_keywords(quantized, features, labels) - before) <= 0.01


@pytest.mark.parametrize("ending", [".npz", ".safetensors"])
def test_keywords_in_int8_are_a_quarter_as_large(real_data, spotter, ending):
    pytest.importorskip("safetensors")
    model, features, _ = spotter(real_data("kws"))
    quantized = quantize(model, QuantConfig(), [tt.tensor(features[:100])])
    assert bytes_on_disk(quantized, ending) <= SMALL * bytes_on_disk(model, ending)
    assert bytes_in_memory(quantized) <= SMALL * bytes_in_memory(model)


def test_equalized_keywords_need_one_scale_only(real_data, spotter):
    model, features, labels = spotter(real_data("kws"))
    config = QuantConfig(granularity="tensor", equalize=True, correct_bias=True)
    quantized = quantize(model, config, [tt.tensor(features[:100])])
    before = trained.known_keywords(model, features, labels)
    assert before > 0.9
    assert trained.known_keywords(quantized, features, labels) >= before - 0.01


def test_stories_in_int8_and_int4_lose_little(stories):
    model, drawn, greedy = trained.stories(stories)
    cool = model.generate(tt.tensor([[1]] * 4), 127, temperature=0.5, seed=1)
    whole = quantize(model, QuantConfig(mode="weight_only"))
    half = quantize(model, QuantConfig(mode="weight_only", bits=4))
    for text in (drawn, greedy, cool):
        before = trained.loss_of(model, text)
        assert abs(trained.loss_of(whole, text) / before - 1.0) <= 0.005
        assert abs(trained.loss_of(half, text) / before - 1.0) <= 0.15
    assert bytes_in_memory(whole) < 0.27 * bytes_in_memory(model)
    assert bytes_in_memory(half) < 0.18 * bytes_in_memory(model)
