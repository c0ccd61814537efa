"""Attributes that a module computes whenever they are read."""

import copy

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import nn


def doubled(module):
    return module.half * 2.0


@pytest.fixture
def layer():
    """A layer whose weight is twice a parameter."""
    layer = nn.Linear(3, 2)
    half = nn.Parameter(layer.weight.detach() * 0.5)
    del layer.weight
    layer.register_parameter("half", half)
    layer.register_computed("weight", doubled)
    return layer


def test_what_is_computed_is_always_up_to_date(layer):
    before = layer.weight.detach().numpy().copy()
    with tt.no_grad():
        layer.half.mul_(3.0)
    np.testing.assert_array_equal(layer.weight.detach().numpy(), before * 3.0)


def test_gradients_flow_to_what_it_is_made_of(layer):
    layer(tt.ones(1, 3)).sum().backward()
    np.testing.assert_array_equal(layer.half.grad.numpy(), np.full((2, 3), 2.0))


def test_it_is_no_part_of_the_state(layer):
    assert list(layer.state_dict()) == ["bias", "half"]
    assert [name for name, _ in layer.named_parameters()] == ["bias", "half"]
    assert list(layer.computed) == ["weight"]


def test_a_copy_computes_from_its_own_parts(layer):
    twin = copy.deepcopy(layer)
    with tt.no_grad():
        layer.half.zero_()
    assert twin.weight.detach().numpy().any()


def test_it_gives_its_name_back_to_a_parameter_or_when_it_is_deleted(layer):
    layer.weight = nn.Parameter(tt.ones(2, 3))
    assert not layer.computed
    assert list(layer.state_dict()) == ["bias", "half", "weight"]
    layer.register_computed("twice", doubled)
    del layer.twice
    assert not hasattr(layer, "twice")


def test_no_other_value_hides_it(layer):
    with pytest.raises(AttributeError, match=r"Linear\.weight is computed whenever it is read; delete it first"):
        layer.weight = tt.ones(2, 3)


def test_what_cannot_be_computed_is_refused(layer):
    with pytest.raises(TypeError, match="register_computed: expected a function for 'more', got int"):
        layer.register_computed("more", 3)
    with pytest.raises(ValueError, match="register_computed: Linear has an attribute 'bias' already"):
        layer.register_computed("bias", doubled)
