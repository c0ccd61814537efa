"""Modules made of modules."""

from collections import OrderedDict

import pytest

import tinytorch as tt
from tinytorch import nn


def test_sequential_passes_through_all_parts_in_order():
    model = nn.Sequential(nn.Flatten(0), nn.ReLU(), nn.Unflatten(0, (2, 2)))
    assert model(tt.tensor([[-1.0, 2.0], [3.0, -4.0]])).tolist() == [[0.0, 2.0], [3.0, 0.0]]


def test_sequential_takes_names():
    model = nn.Sequential(OrderedDict(first=nn.Linear(1, 1), last=nn.ReLU()))
    assert [name for name, _ in model.named_children()] == ["first", "last"]
    assert model.first is model[0]


def test_sequential_is_indexed_sliced_and_appended_to():
    model = nn.Sequential(nn.ReLU(), nn.Tanh(), nn.Sigmoid())
    assert isinstance(model[-1], nn.Sigmoid)
    assert [type(part).__name__ for part in model[:2]] == ["ReLU", "Tanh"]
    assert len(model.append(nn.ReLU())) == 4


def test_an_empty_sequential_is_the_identity():
    x = tt.ones(2)
    assert nn.Sequential()(x) is x


def test_module_list_registers_its_modules():
    layers = nn.ModuleList([nn.Linear(1, 1), nn.Linear(1, 1)])
    assert len(list(layers.parameters())) == 4
    layers[-1] = nn.ReLU()
    assert [type(each).__name__ for each in layers] == ["Linear", "ReLU"]
    assert isinstance(layers[:1], nn.ModuleList)
    assert len(layers.extend([nn.ReLU()]).append(nn.ReLU())) == 4


def test_module_dict_registers_by_name():
    heads = nn.ModuleDict({"a": nn.Linear(1, 1)})
    heads["b"] = nn.ReLU()
    assert "b" in heads
    assert list(heads.keys()) == list(heads) == ["a", "b"]
    assert [name for name, _ in heads.items()] == ["a", "b"]
    assert list(heads.values())[1] is heads["b"]
    assert len(heads) == 2
    assert list(heads.state_dict()) == ["a.weight", "a.bias"]


@pytest.mark.parametrize("container", [nn.ModuleList([nn.ReLU()]), nn.ModuleDict({"a": nn.ReLU()})])
def test_lists_and_dicts_compute_nothing(container):
    with pytest.raises(NotImplementedError, match="defines no forward"):
        container(tt.ones(1))
