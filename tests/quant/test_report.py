"""The report: bytes that are really written, errors of each layer, time that is measured, pages and pictures."""

import json
import math
import sys
from dataclasses import replace

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import models, nn
from tinytorch_quant import QuantConfig, page, quantize
from tinytorch_quant.comparing import layer_errors
from tinytorch_quant.measuring import bytes_in_memory, bytes_on_disk, seconds
from tinytorch_quant.report import measured, sensitivity


@pytest.fixture(scope="module")
def pair():
    tt.manual_seed(0)
    model, x = models.digits_cnn().eval(), tt.randn(16, 1, 8, 8)
    return model, quantize(model, QuantConfig(), [x]), x


def scores(model):
    return {"answers": float(sum(each.numel() for each in model.state_dict().values()))}


def test_each_layer_is_compared_with_what_it_was(pair):
    model, quantized, x = pair
    found = {each.layer: each for each in layer_errors(model, quantized, [x])}
    assert list(found) == ["0", "2", "4", "5", "7", "9"]
    for each in found.values():
        assert 20.0 < each.sqnr < 80.0
        assert 0.99 < each.cosine <= 1.0
    with tt.no_grad():
        difference = model(x).numpy().astype(np.float64) - quantized(x).numpy()
        exact = model(x).numpy().astype(np.float64)
    assert math.isclose(found["9"].max_error, np.abs(difference).max(), rel_tol=1e-4)
    expected = 10.0 * math.log10(np.square(exact).sum() / np.square(difference).sum())
    assert math.isclose(found["9"].sqnr, expected, abs_tol=1e-2)


def test_an_equalized_model_is_compared_channel_by_channel():
    tt.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)).eval(), tt.randn(64, 6)
    model[0].weight.array *= np.logspace(-1, 1, 8, dtype=np.float32)[:, None]
    found = layer_errors(model, quantize(model, QuantConfig(equalize=True), [x]), [x])
    assert [each.layer for each in found] == ["0", "2"]
    assert all(each.sqnr > 25.0 for each in found)


def test_layers_that_store_codes_are_compared_too(pair):
    model, _, x = pair
    exact = layer_errors(model, quantize(model, QuantConfig(mode="weight_only")), [x])
    coarse = layer_errors(model, quantize(model, QuantConfig(mode="weight_only", bits=4)), [x])
    assert [each.layer for each in exact] == ["0", "2", "7", "9"]
    assert all(one.sqnr > other.sqnr + 10.0 for one, other in zip(exact, coarse, strict=True))


def test_what_is_not_compared_is_told(pair):
    model, quantized, _ = pair
    with pytest.raises(ValueError, match="expected some batches of inputs, got none"):
        layer_errors(model, quantized, [])


def test_a_layer_that_gives_zeros_has_no_noise():
    model = nn.Sequential(nn.Linear(3, 2)).eval()
    model[0].weight.array[:] = 0.0
    model[0].bias.array[:] = 0.0
    (error,) = layer_errors(model, quantize(model, QuantConfig(), [tt.randn(4, 3)]), [tt.randn(4, 3)])
    assert (error.sqnr, error.cosine, error.max_error) == (math.inf, 1.0, 0.0)


def test_bytes_are_those_of_a_file_and_of_arrays_each_once(pair):
    model, quantized, _ = pair
    assert bytes_in_memory(model) == 4 * sum(each.numel() for each in model.parameters())
    assert bytes_in_memory(quantized) == quantized.nbytes
    assert quantized.nbytes < bytes_on_disk(quantized) < quantized.nbytes + 4096
    assert bytes_in_memory(nn.Sequential(model, model)) == bytes_in_memory(model)


def test_models_are_timed_in_turns():
    called = []

    class Noted(nn.Identity):
        def forward(self, x):
            called.append(self)
            return x

    first, second = Noted(), Noted()
    times = seconds([first, second], tt.ones(2), rounds=3)
    assert called == [first, second] * 4  # once before, to find what later calls know
    assert [len(each) for each in times] == [3, 3]


def test_the_scan_quantizes_one_layer_at_a_time(pair):
    model, _, x = pair
    floats = []

    def count(made):
        floats.append(sum(step.op in ("conv2d", "linear") for step in made.steps))
        return {"floats": float(floats[-1])}

    config = QuantConfig(layers={"9": None})
    found = dict(sensitivity(model, config, [x], count))
    assert list(found) == ["0", "2", "7"]
    assert floats == [3, 3, 3]


@pytest.fixture(scope="module")
def report(pair):
    model, quantized, x = pair
    made = measured(model, quantized, [x], scores)
    made.sensitivity["<0>"] = {"answers": 1.0}
    return made


def test_a_report_is_plain_values(report):
    told = json.loads(json.dumps(report.to_dict()))
    assert told["disk_ratio"] == told["disk"][1] / told["disk"][0] < 0.27
    assert told["layers"][0]["layer"] == "0"
    assert told["left_in_float"] == []


@pytest.mark.parametrize(
    ("ratios", "integers", "told"),
    [
        ((1.5, 2.0, 3.0), True, "2.00 times as fast as float32, at batch 16 (1.50 to 3.00 in turns)"),
        ((0.2, 0.25, 0.5), False, "4.00 times as slow as float32, at batch 16 (0.20 to 0.50 in turns)"),
        ((0.9, 1.2, 1.4), True, "no difference shown to float32, at batch 16 (0.90 to 1.40 in turns)"),
    ],
)
def test_it_says_honestly_how_fast_it_is(report, ratios, integers, told):
    assert replace(report, ratios=ratios, integers=integers).speed == told


def test_it_says_why_integers_are_slow(report):
    slow = replace(report, ratios=(0.2, 0.25, 0.5))
    assert slow.integers
    assert "what is saved is memory" in slow.speed
    assert "what is saved is memory" not in replace(slow, integers=False).speed


def test_the_page_needs_nothing_else_and_escapes_names(report):
    text = page.html(report, "<model>")
    assert "&lt;model&gt;" in text
    assert "&lt;0&gt;" in text
    assert "<model>" not in text
    assert "http" not in text
    assert "src=" not in text


def test_the_figure_has_a_bar_for_each_layer(report, tmp_path):
    pytest.importorskip("matplotlib")
    from tinytorch_quant.figures import errors

    figure = errors(report)
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [each.layer for each in report.layers]
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([each.sqnr for each in report.layers])
    figure.savefig(tmp_path / "errors.png")


def test_without_matplotlib_a_sentence_says_what_to_install(monkeypatch, report):
    from tinytorch_quant.figures import errors

    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"the figure needs matplotlib: pip install 'tinytorch-quant\[plot\]'"):
        errors(report)
