"""Structures: what a file may say, and what it may not."""

import json

import pytest

import tinytorch as tt
from tinytorch import models, nn
from tinytorch.transforming import applied
from tinytorch_compress.structured import prune_structured, restructure


def digits(amount=0.5):
    return prune_structured(models.digits_cnn(), tt.zeros(1, 1, 8, 8), amount)


def test_a_structure_is_plain_and_says_what_was_kept():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    model[0].weight.array[:] = [[1] * 3, [0] * 3, [5] * 3, [0] * 3]
    model[2].weight.array[:] = 0
    prune_structured(model, tt.zeros(1, 3))
    (one,) = applied(model)
    assert (one.plugin, one.name) == ("compress", "prune_structured")
    assert json.loads(json.dumps(one.structure)) == {
        "kept": {"0.weight": {"0": [0, 2]}, "0.bias": {"0": [0, 2]}, "2.weight": {"1": [0, 2]}},
        "sizes": {"0": {"out_features": 2}, "2": {"in_features": 2}},
    }
    assert model[0].weight.array.tolist() == [[1] * 3, [5] * 3]


def test_pruning_twice_is_noted_twice():
    tt.manual_seed(0)
    model = prune_structured(digits(), tt.zeros(1, 1, 8, 8))
    assert [conv.weight.shape for conv in (model[0], model[2])] == [(4, 1, 3, 3), (8, 4, 3, 3)]
    fresh = models.digits_cnn()
    for step in applied(model):
        restructure(fresh, step.structure)
    fresh.load_state_dict(model.state_dict())
    assert repr(fresh) == repr(model)


STRUCTURE = {"kept": {"0.weight": {"0": [0, 2]}}, "sizes": {"0": {"out_channels": 2}}}


@pytest.mark.parametrize(
    ("part", "entry", "sentence"),
    [
        ("kept", None, "expected a structure with 'kept' by name"),
        ("kept", [1], "expected a structure with 'kept' by name"),
        ("kept", {"0.weight": [1]}, "expected a structure with 'kept' by name"),
        ("kept", {"no.weight": {"0": [1]}}, "no parameter 'no.weight'"),
        ("kept", {"0.weight": {"4": [1]}}, "has no axis '4'"),
        ("kept", {"0.weight": {"-1": [1]}}, "has no axis '-1'"),
        ("kept", {"0.weight": {"x": [1]}}, "has no axis 'x'"),
        ("kept", {"0.weight": {"0": []}}, "expected rising indices below 16"),
        ("kept", {"0.weight": {"0": [2, 1]}}, "expected rising indices below 16"),
        ("kept", {"0.weight": {"0": [1, 1]}}, "expected rising indices below 16"),
        ("kept", {"0.weight": {"0": [-1, 1]}}, "expected rising indices below 16"),
        ("kept", {"0.weight": {"0": [3, 16]}}, "expected rising indices below 16"),
        ("kept", {"0.weight": {"0": [0.5]}}, "expected rising indices below 16"),
        ("kept", {"0.weight": {"0": [True]}}, "expected rising indices below 16"),
        ("kept", {"0.weight": {"0": "01"}}, "expected rising indices below 16"),
        ("sizes", {"0": {"out_channels": 0}}, "'0' cannot have 'out_channels' = 0"),
        ("sizes", {"0": {"out_channels": 17}}, "'0' cannot have 'out_channels' = 17"),
        ("sizes", {"0": {"out_channels": "8"}}, "'0' cannot have 'out_channels' = '8'"),
        ("sizes", {"0": {"out_channels": True}}, "'0' cannot have 'out_channels' = True"),
        ("sizes", {"0": {"forward": 1}}, "'0' cannot have 'forward' = 1"),
        ("sizes", {"0": {"training": 1}}, "'0' cannot have 'training' = 1"),
        ("sizes", {"0": {"heads": 1}}, "'0' cannot have 'heads' = 1"),
        ("sizes", {"12": {"out_channels": 1}}, "'12' cannot have 'out_channels' = 1"),
        ("sizes", 3, "expected a structure with 'sizes' by name"),
    ],
)
def test_a_structure_that_cannot_be_is_one_sentence_and_changes_nothing(part, entry, sentence):
    model = models.digits_cnn()
    before = {name: tensor.shape for name, tensor in model.state_dict().items()}
    with pytest.raises(ValueError, match=f"restructure: .*{sentence}") as caught:
        restructure(model, {**STRUCTURE, part: entry})
    assert "\n" not in str(caught.value)
    assert {name: tensor.shape for name, tensor in model.state_dict().items()} == before
    assert model[0].out_channels == 16


@pytest.mark.parametrize("structure", [None, [], "kept", {}])
def test_what_is_no_structure_is_refused(structure):
    with pytest.raises(ValueError, match="restructure: expected a structure"):
        restructure(models.digits_cnn(), structure)
