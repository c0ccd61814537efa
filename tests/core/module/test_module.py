"""Module: what is registered, under which names, and how state is saved and loaded."""

import copy

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import nn


class Two(nn.Module):
    """A layer, a part with a layer, a parameter and two buffers."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 2)
        self.part = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
        self.scale = nn.Parameter(tt.ones(1))
        self.register_buffer("steps", tt.tensor(0))
        self.register_buffer("scratch", tt.zeros(2), persistent=False)

    def forward(self, x):
        return self.part(self.first(x)) * self.scale


class Tied(nn.Module):
    """Two parts that share one layer."""

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(2, 2)
        self.b = nn.Sequential(self.a)


def values(module):
    return {name: tensor.numpy().copy() for name, tensor in module.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def test_parameters_are_named_by_their_path():
    names = [name for name, _ in Two().named_parameters()]
    layers = ["first.weight", "first.bias", "part.0.weight", "part.0.bias", "part.1.weight", "part.1.bias"]
    assert names == ["scale", *layers]


def test_parameters_without_parts_are_the_modules_own():
    assert [name for name, _ in Two().named_parameters(recurse=False)] == ["scale"]


def test_buffers_are_named_by_their_path():
    averages = ["part.1.running_mean", "part.1.running_var", "part.1.num_batches_tracked"]
    assert [name for name, _ in Two().named_buffers()] == ["steps", "scratch", *averages]


def test_modules_come_in_order_of_registration():
    names = [name for name, _ in Two().named_modules()]
    assert names == ["", "first", "part", "part.0", "part.1"]
    assert [name for name, _ in Two().named_children()] == ["first", "part"]


def test_a_prefix_comes_before_every_name():
    assert [name for name, _ in nn.Linear(1, 1).named_parameters("net")] == ["net.weight", "net.bias"]


def test_shared_parameters_come_once():
    model = Tied()
    assert [name for name, _ in model.named_parameters()] == ["a.weight", "a.bias"]
    assert len(list(model.modules())) == 3


def test_shared_parameters_are_saved_under_every_name():
    assert list(Tied().state_dict()) == ["a.weight", "a.bias", "b.0.weight", "b.0.bias"]


def test_a_parameter_may_be_replaced_by_none_and_by_a_parameter():
    layer = nn.Linear(2, 2)
    layer.bias = None
    assert list(layer.state_dict()) == ["weight"]
    layer.bias = nn.Parameter(tt.zeros(2))
    assert list(layer.state_dict()) == ["weight", "bias"]


def test_an_attribute_that_becomes_a_module_is_registered_once():
    model = nn.Module()
    model.part = nn.Parameter(tt.ones(1))
    model.part = nn.Linear(1, 1)
    assert [name for name, _ in model.named_parameters()] == ["part.weight", "part.bias"]


def test_what_is_no_part_is_a_plain_attribute():
    model = Two()
    model.note = "x"
    assert model.note == "x"
    assert "note" not in model.state_dict()


def test_deleting_a_part_removes_its_parameters():
    model = Two()
    del model.part
    assert [name for name, _ in model.named_parameters()] == ["scale", "first.weight", "first.bias"]


def test_buffers_are_replaced_and_keep_their_place():
    model = Two()
    model.steps = tt.tensor(5)
    assert model.state_dict()["steps"].item() == 5


def test_state_holds_what_is_persistent():
    assert "steps" in Two().state_dict()
    assert "scratch" not in Two().state_dict()


def test_state_shares_memory_with_the_module_and_has_no_gradient():
    layer = nn.Linear(2, 2)
    state = layer.state_dict()
    assert np.shares_memory(state["weight"].array, layer.weight.array)
    assert not state["weight"].requires_grad


def test_loading_a_state_gives_its_values():
    first, second = Two(), Two()
    assert not same(values(first), values(second))
    second.load_state_dict(first.state_dict())
    assert same(values(first), values(second))


def test_loading_keeps_the_parameters_and_their_memory():
    layer = nn.Linear(2, 2)
    weight, memory = layer.weight, layer.weight.array
    layer.load_state_dict(nn.Linear(2, 2).state_dict())
    assert layer.weight is weight
    assert layer.weight.array is memory


@pytest.mark.parametrize(
    "wrong",
    [
        {"weight": tt.ones(2, 2)},
        {"weight": tt.ones(2, 2), "bias": tt.ones(2), "other": tt.ones(1)},
        {"weight": tt.ones(2, 2), "bias": tt.ones(3)},
        {"weight": tt.ones(2, 2), "bias": tt.tensor([1, 2])},
        {"weight": tt.ones(2, 2), "bias": [1.0, 2.0]},
    ],
    ids=["missing", "unexpected", "shape", "dtype", "kind"],
)
def test_a_state_that_does_not_fit_changes_nothing(wrong):
    layer = nn.Linear(2, 2)
    before = values(layer)
    with pytest.raises((RuntimeError, ValueError, TypeError)):
        layer.load_state_dict(wrong)
    assert same(before, values(layer))


def test_an_unstrict_load_takes_what_it_knows():
    layer = nn.Linear(2, 2)
    bias = layer.bias.detach().numpy().copy()
    layer.load_state_dict({"weight": tt.ones(2, 2), "other": tt.ones(1)}, strict=False)
    assert layer.weight.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert np.array_equal(layer.bias.detach().numpy(), bias)


def test_an_unstrict_load_still_refuses_another_shape():
    with pytest.raises(ValueError, match="'weight' has shape"):
        nn.Linear(2, 2).load_state_dict({"weight": tt.ones(3)}, strict=False)


def test_train_and_eval_reach_every_part():
    model = Two()
    assert all(not module.training for module in model.eval().modules())
    assert all(module.training for module in model.train().modules())


def test_apply_visits_the_innermost_first():
    seen = []
    Two().apply(lambda module: seen.append(type(module).__name__))
    assert seen == ["Linear", "Linear", "BatchNorm1d", "Sequential", "Two"]


def test_freezing_stops_every_gradient():
    model = Two().requires_grad_(requires_grad=False)
    assert not model(tt.ones(4, 3)).requires_grad


def test_zero_grad_forgets_or_zeroes():
    layer = nn.Linear(2, 1)
    layer(tt.ones(1, 2)).sum().backward()
    layer.zero_grad(set_to_none=False)
    assert layer.weight.grad.tolist() == [[0.0, 0.0]]
    layer.zero_grad()
    assert layer.weight.grad is None


def test_double_converts_floats_alone():
    model = Two().double()
    assert {tensor.dtype for tensor in model.parameters()} == {tt.float64}
    assert model.steps.dtype == tt.int64
    assert model(tt.ones(4, 3, dtype=tt.float64)).dtype == tt.float64


def test_a_deep_copy_shares_nothing():
    model = Two()
    twin = copy.deepcopy(model)
    assert same(values(model), values(twin))
    with tt.no_grad():
        twin.scale.add_(1.0)
    assert model.scale.item() == 1.0


def test_a_deep_copy_keeps_what_is_shared_shared():
    twin = copy.deepcopy(Tied())
    assert twin.a is twin.b[0]


def test_repr_shows_the_parts():
    lines = repr(nn.Sequential(nn.Linear(2, 1), nn.Sequential(nn.ReLU()))).splitlines()
    layer = "  (0): Linear(in_features=2, out_features=1, bias=True)"
    assert lines == ["Sequential(", layer, "  (1): Sequential(", "    (0): ReLU()", "  )", ")"]


def test_deep_modules_need_no_deep_stack():
    model = nn.ReLU()
    for _ in range(300):
        model = nn.Sequential(model)
    assert len(list(model.modules())) == 301


def test_a_part_that_is_replaced_or_deleted_is_the_attribute_no_longer():
    module = nn.Module()
    module.part = nn.Linear(1, 1)
    module.part = other = nn.ReLU()
    assert module.part is other
    assert list(module.children()) == [other]
    module.register_buffer("sums", tt.zeros(2))
    module.sums = replaced = tt.ones(2)
    assert module.sums is replaced
    assert list(module.buffers()) == [replaced]
    for name in ("part", "sums"):
        delattr(module, name)
        assert not hasattr(module, name)
    assert list(module.children()) == list(module.buffers()) == []


def test_copies_have_parts_of_their_own():
    module = nn.Sequential(nn.Linear(2, 2))
    copied = copy.deepcopy(module)
    assert copied[0].weight is dict(copied.named_parameters())["0.weight"]
    assert copied[0].weight is not module[0].weight
