"""Transforming: what was applied to a model is kept, and can be given to a fresh one."""

import copy

import pytest

import tinytorch as tt
from tinytorch import nn, plugins
from tinytorch.plugins import PluginError, hookimpl
from tinytorch.transforming import applied, note, noted, restructured


class Widening:
    """A plugin whose transform gives a Linear layer more outputs."""

    @hookimpl
    def restructure(self, model, name, structure):
        if name != "widen":
            return None
        if structure.get("outputs", 0) < 1:
            raise ValueError(f"widen: expected a number of outputs, got {structure}")
        return nn.Linear(model.in_features, structure["outputs"])


@pytest.fixture
def widening():
    plugins.register(Widening(), "widening")
    yield
    plugins.unregister("widening")


def step(**changes):
    return {"plugin": "widening", "name": "widen", "structure": {"outputs": 5}, **changes}


def test_what_was_applied_is_listed_in_order():
    model = nn.Linear(2, 2)
    assert applied(model) == ()
    note(model, "widening", "widen", {"outputs": 3})
    other = nn.Linear(2, 3)
    note(other, "widening", "widen", {"outputs": 4}, origin=model)
    assert [each.structure["outputs"] for each in applied(other)] == [3, 4]
    assert [each.structure["outputs"] for each in applied(model)] == [3]


def test_a_copy_of_a_model_remembers():
    model = nn.Linear(2, 2)
    note(model, "widening", "widen", {"outputs": 3})
    assert applied(copy.deepcopy(model)) == applied(model)


def test_a_fresh_model_gets_the_same_structure(widening):
    model = nn.Linear(2, 5)
    note(model, "widening", "widen", {"outputs": 5})
    fresh = restructured(nn.Linear(2, 3), noted(model))
    fresh.load_state_dict(model.state_dict())
    assert tt.equal(fresh(tt.ones(1, 2)), model(tt.ones(1, 2)))
    assert applied(fresh) == applied(model)


def test_only_what_json_can_hold_is_noted():
    with pytest.raises(TypeError, match="note: expected a structure that JSON can hold for 'widen'"):
        note(nn.Linear(2, 2), "widening", "widen", {"outputs": {1, 2}})


@pytest.mark.parametrize(
    ("steps", "error", "told"),
    [
        ("widen", TypeError, "transforms: expected a list, got 'widen'"),
        ([step(structure=[])], TypeError, "transforms: expected each with a plugin, a name and a structure"),
        ([{"name": "widen"}], TypeError, "transforms: expected each with a plugin, a name and a structure"),
        ([step(structure={})], ValueError, "widen: expected a number of outputs"),
        ([step(name="narrow")], PluginError, "plugin 'widening' does not know the transform 'narrow'"),
        ([step(plugin="nobody")], PluginError, "a model that 'widen' was applied to needs the plugin 'nobody'"),
    ],
)
def test_a_files_steps_are_not_trusted(widening, steps, error, told):
    with pytest.raises(error, match=told):
        restructured(nn.Linear(2, 3), steps)
