"""A summary tells a model layer by layer, and leaves it as it was."""

import json
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

import tinytorch as tt
from tinytorch import models, nn
from tinytorch_profiling import FLOPCounter, summary


def small():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(4 * 4 * 4, 3)
    )


def test_every_layer_has_its_numbers():
    found = summary(small(), (2, 1, 6, 6))
    conv, norm, _relu, _dropout, flatten, linear = found.layer.parts
    assert [part.outputs for part in (conv, flatten, linear)] == [[(2, 4, 4, 4)], [(2, 64)], [(2, 3)]]
    assert [part.parameters for part in (conv, norm, flatten, linear)] == [40, 8, 0, 195]
    assert [part.macs for part in (conv, norm, linear)] == [2 * 4 * 16 * 9, 0, 2 * 3 * 64]
    assert [part.activation_bytes for part in (conv, norm, linear)] == [4 * 2 * 64, 4 * 2 * 64, 4 * 2 * 3]


def test_what_passes_through_and_views_take_no_memory():
    found = summary(nn.Sequential(nn.Identity(), nn.Linear(3, 3), nn.Dropout(0.5), nn.Flatten(0)), (2, 3))
    assert [part.activation_bytes for part in found.layer.parts] == [0, 24, 0, 0]
    assert found.layer.parts[-1].outputs == [(6,)]


def test_totals_are_those_of_the_layers():
    model = small()
    found = summary(model, (2, 1, 6, 6))
    parts = found.layer.parts
    for name in ("parameters", "trainable", "macs", "parameter_bytes", "activation_bytes"):
        assert getattr(found, name) == sum(getattr(part, name) for part in parts)
    assert found.parameters == sum(each.numel() for each in model.parameters())
    assert found.parameter_bytes == 4 * found.parameters
    assert found.buffer_bytes == 2 * 4 * 4 + 8
    assert found.input_bytes == 4 * 2 * 36


def test_macs_are_those_that_a_counter_counts():
    model = models.resnet8().eval()
    with FLOPCounter() as counter, tt.no_grad():
        model(tt.zeros(1, 3, 32, 32))
    found = summary(model, (1, 3, 32, 32))
    assert found.macs == counter.macs == 12_501_632
    assert found.layer.parts[4].macs == counter.by_module()["Sequential.4"].macs


def test_frozen_parameters_are_not_trainable():
    model = small()
    model[0].requires_grad_(False)
    found = summary(model, (1, 1, 6, 6))
    assert found.parameters - found.trainable == 40
    assert found.layer.parts[0].trainable == 0
    assert "├─ 0: Conv2d frozen" in str(found)


def test_shared_parameters_count_once():
    model = models.GPT(50, 16, 2, 2, 8)
    found = summary(model, (2, 10), dtype="int64")
    assert found.parameters == sum(each.numel() for each in model.parameters())
    assert found.layer.parts[-1].name == "lm_head"
    assert found.layer.parts[-1].parameters == 0
    assert found.layer.parts[-1].macs == 2 * 10 * 8 * 50


def test_a_layer_that_is_called_twice_gives_twice():
    block = models.resnet8()[3]
    found = summary(block, (1, 16, 8, 8))
    relu = found.layer.parts[-1]
    assert (relu.calls, relu.activation_bytes) == (2, 2 * 4 * 16 * 64)
    assert "relu: ReLU 2×" in str(found)


def test_a_part_in_two_places_is_told_once():
    layer = nn.Linear(4, 4)
    found = summary(nn.Sequential(layer, nn.ReLU(), layer), (1, 4))
    assert [part.kind for part in found.layer.parts] == ["Linear", "ReLU"]
    assert (found.layer.parts[0].calls, found.parameters, found.macs) == (2, 20, 32)


class Restless(nn.Module):
    """Changes all that a model may change when it runs."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.drop = nn.Dropout(0.5).eval()
        self.register_buffer("steps", tt.zeros(1))
        self.register_buffer("last", tt.zeros(1))
        self.weight = nn.Parameter(tt.ones(3))

    def forward(self, x):
        self.steps.add_(1.0)
        self.last = tt.ones(1)
        self.norm.train()
        return self.norm(x + tt.rand(3)) * self.weight


def test_the_model_and_the_random_numbers_stay_as_they_were():
    tt.manual_seed(4)
    model = Restless()
    before = {name: each.numpy().copy() for name, each in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    buffers = [id(each) for each in model.buffers()]
    summary(model, (5, 3))
    drawn = tt.rand(2).tolist()
    tt.manual_seed(4)
    assert drawn == tt.rand(2).tolist()
    assert {name: each.tolist() for name, each in before.items()} == {
        name: each.tolist() for name, each in model.state_dict().items()
    }
    assert [module.training for module in model.modules()] == modes
    assert [id(each) for each in model.buffers()] == buffers
    assert model.weight.grad is None
    assert all("forward" not in vars(module) for module in model.modules())


def test_a_model_that_fails_stays_as_it_was_and_the_error_says_with_what():
    model = small()
    with pytest.raises(ValueError, match="conv2d") as caught:
        summary(model, (2, 3, 6, 6))
    assert caught.value.__notes__ == ["summary: the model was called with float32 (2, 3, 6, 6)"]
    assert all(module.training and "forward" not in vars(module) for module in model.modules())


class Pair(nn.Module):
    """Takes two, gives two in a dict."""

    def forward(self, tokens, x):
        assert (tokens.dtype, x.dtype) == (np.int64, np.float32)
        return {"sum": tokens + x, "both": (tokens * 1, x)}


def test_several_inputs_and_outputs_are_told():
    found = summary(Pair(), [(2, 3), tt.ones(2, 3)], dtype=["int64", "float32"])
    assert found.layer.outputs == [(2, 3), (2, 3), (2, 3)]
    assert found.inputs == [(2, 3), (2, 3)]
    assert found.activation_bytes == 24 + 48  # x passes through


def test_an_example_serves_as_a_shape_does():
    assert summary(small(), tt.ones(2, 1, 6, 6)).to_dict() == summary(small(), [2, 1, 6, 6]).to_dict()


def test_it_prints_a_tree():
    lines = str(summary(nn.Sequential(nn.Sequential(nn.Linear(2, 3)), nn.ReLU()), (1, 2))).splitlines()
    assert lines[4].split() == ["Sequential", "(1,", "3)", "9", "6", "36", "B", "24", "B"]
    assert [line.split("(")[0].strip() for line in lines[5:8]] == ["├─ 0: Sequential", "│  └─ 0: Linear", "└─ 1: ReLU"]


def test_it_is_shown_in_notebooks_and_written_as_json():
    found = summary(small(), (2, 1, 6, 6))
    assert "├─ 0: Conv2d</th>" in found._repr_html_()
    values = json.loads(found.to_json())
    assert values["macs"] * 2 == values["flops"]
    assert [part["kind"] for part in values["layer"]["parts"]][:2] == ["Conv2d", "BatchNorm2d"]


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ((3, (1,)), TypeError, "summary: expected a Module, got int"),
        ((nn.ReLU(), 3), TypeError, "summary: expected input_shape as whole numbers .*, got 3"),
        ((nn.ReLU(), (1, -2)), TypeError, r"summary: expected input_shape as whole numbers .*, got \(1, -2\)"),
        ((nn.ReLU(), "12"), TypeError, "summary: expected input_shape as whole numbers .*, got '12'"),
    ],
)
def test_what_cannot_be_is_refused(arguments, error, sentence):
    with pytest.raises(error, match=sentence):
        summary(*arguments)


def test_a_dtype_for_each_input_is_asked_for():
    with pytest.raises(ValueError, match="summary: expected a dtype for each of 2 inputs, got 1"):
        summary(Pair(), [(2, 3), (2, 3)], dtype=["int64"])


def test_a_narrow_terminal_cuts_nothing():
    out, found = StringIO(), summary(small(), (2, 1, 6, 6))
    Console(file=out, width=50).print(found)
    assert "".join(out.getvalue().split()) == "".join(str(found).split())
