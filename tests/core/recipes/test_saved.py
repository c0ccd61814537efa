"""Saved models: what a recipe's model has become, in a file that alone says how to make it again."""

import pytest

import tinytorch as tt
from tinytorch import nn, plugins, recipes
from tinytorch.plugins import PluginError, hookimpl
from tinytorch.serialization import CheckpointError, load_with_metadata, save
from tinytorch.transforming import applied, note


class Halving:
    """A plugin whose transform leaves xor's perceptron half of its 16 hidden neurons."""

    @hookimpl
    def restructure(self, model, name, structure):
        hidden = structure["hidden"]
        return nn.Sequential(nn.Flatten(), nn.Linear(2, hidden), nn.ReLU(), nn.Linear(hidden, 2))


@pytest.fixture
def halving():
    plugins.register(Halving(), "halving")
    yield
    plugins.unregister("halving")


@pytest.fixture
def trained(tmp_path):
    run = recipes.prepare(recipes.find("xor"), epochs=3, checkpoint=tmp_path / "run.npz")
    run.fit()
    return run, tmp_path / "run.npz"


def test_a_checkpoint_is_read_as_a_model(trained):
    run, path = trained
    saved = recipes.load_model(path)
    assert saved.evaluate() == run.evaluate()
    assert (saved.recipe.name, saved.epoch) == ("xor", 3)
    assert not saved.model.training


def test_a_model_is_written_and_read(trained, tmp_path):
    saved = recipes.load_model(trained[1])
    recipes.save_model(saved, tmp_path / "model.npz")
    again = recipes.load_model(tmp_path / "model.npz")
    assert again.evaluate() == saved.evaluate()
    assert again.notes == saved.notes
    assert (tmp_path / "model.npz").stat().st_size < trained[1].stat().st_size


def test_a_model_with_another_structure_is_read(trained, tmp_path, halving):
    saved = recipes.load_model(trained[1])
    smaller = Halving().restructure(saved.model, "halve", {"hidden": 8})
    note(smaller, "halving", "halve", {"hidden": 8})
    recipes.save_model(saved.having(smaller), tmp_path / "small.npz")
    again = recipes.load_model(tmp_path / "small.npz")
    assert again.model[1].out_features == 8
    assert again.evaluate() == saved.having(smaller).evaluate()
    assert [each.name for each in applied(again.model)] == ["halve"]


def test_a_model_is_trained_on(trained):
    saved = recipes.load_model(trained[1])
    before = saved.evaluate()["loss"]
    saved.trainer(epochs=100).fit(saved.train_batches, 100)
    assert saved.evaluate()["loss"] < before


def test_a_missing_plugin_is_named(trained, tmp_path):
    saved = recipes.load_model(trained[1])
    note(saved.model, "halving", "halve", {"hidden": 8})
    recipes.save_model(saved, tmp_path / "small.npz")
    with pytest.raises(PluginError, match="needs the plugin 'halving': pip install tinytorch-halving"):
        recipes.load_model(tmp_path / "small.npz")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"notes": None}, "is damaged: it does not say what it is a model of"),
        ({"epoch": -1}, "is damaged"),
        ({"epoch": True}, "is damaged"),
        ({"notes": {}}, "does not say which recipe it is of"),
        ({"transforms": {}}, "does not fit recipe 'xor': transforms: expected a list"),
        ({"transforms": ["x"]}, "does not fit recipe 'xor': transforms: expected each with a plugin"),
    ],
)
def test_a_file_is_not_trusted(trained, tmp_path, changes, told):
    path = tmp_path / "model.npz"
    recipes.save_model(recipes.load_model(trained[1]), path)
    tensors, metadata = load_with_metadata(path)
    save(tensors, path, {**metadata, **changes})
    with pytest.raises(CheckpointError, match=told):
        recipes.load_model(path)


def test_weights_that_do_not_fit_are_refused(trained, tmp_path):
    path = tmp_path / "model.npz"
    recipes.save_model(recipes.load_model(trained[1]), path)
    tensors, metadata = load_with_metadata(path)
    save({**tensors, "model.0.weight": tt.zeros(3, 3)}, path, metadata)
    with pytest.raises(CheckpointError, match=r"does not fit recipe 'xor': load_state_dict"):
        recipes.load_model(path)


def test_another_kind_of_file_is_no_model(tmp_path):
    save({"x": tt.zeros(1)}, tmp_path / "other.npz")
    with pytest.raises(CheckpointError, match="is no checkpoint"):
        recipes.load_model(tmp_path / "other.npz")
