"""Saving: a pruned model in a file, with the recipe's data."""

import pytest

import tinytorch as tt
from tinytorch import plugins, recipes
from tinytorch.serialization import CheckpointError, load_with_metadata, save
from tinytorch_compress import plugin
from tinytorch_compress.structured import prune_structured


@pytest.fixture(autouse=True)
def compress():
    plugins.register(plugin, "compress")
    with plugins.using("compress"):
        yield
    plugins.unregister("compress")


@pytest.fixture(scope="module")
def trained_cnn(tmp_path_factory):
    path = tmp_path_factory.mktemp("trained") / "run.npz"
    recipes.prepare(recipes.find("digits-cnn"), epochs=1, checkpoint=path).fit()
    return path


@pytest.fixture
def saved(trained_cnn):
    return recipes.load_model(trained_cnn)


def test_a_pruned_model_is_written_and_read(saved, tmp_path):
    recipes.save_model(saved, tmp_path / "dense.npz")
    prune_structured(saved.model, tt.zeros(1, 1, 8, 8))
    recipes.save_model(saved, tmp_path / "pruned.npz")
    again = recipes.load_model(tmp_path / "pruned.npz")
    assert again.evaluate() == saved.evaluate()
    assert again.model[2].out_channels == 16
    sizes = [(tmp_path / f"{name}.npz").stat().st_size for name in ("dense", "pruned")]
    assert sizes[1] < 0.35 * sizes[0]
    assert again.trainer(1).fit(again.train_batches, 1)


def test_a_damaged_structure_is_one_sentence(saved, tmp_path):
    prune_structured(saved.model, tt.zeros(1, 1, 8, 8))
    recipes.save_model(saved, tmp_path / "pruned.npz")
    state, metadata = load_with_metadata(tmp_path / "pruned.npz")
    metadata["transforms"][0]["structure"]["kept"]["0.weight"]["0"] = [99]
    save(state, tmp_path / "damaged.npz", metadata)
    with pytest.raises(CheckpointError, match="does not fit recipe 'digits-cnn': restructure: expected rising indices"):
        recipes.load_model(tmp_path / "damaged.npz")


def test_the_transform_is_registered():
    pruned = plugins.transforms()["prune_structured"](
        recipes.find("digits-cnn").make_model(None), calibration=[tt.zeros(1, 1, 8, 8)], amount=0.25
    )
    assert pruned[0].out_channels == 12
