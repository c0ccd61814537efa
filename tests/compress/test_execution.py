"""Sparse layers stand only where they were faster, and are saved with the model."""

import copy

import numpy as np
import pytest
from layers_for_tests import layer

import tinytorch as tt
from tinytorch import models, nn, recipes
from tinytorch.serialization import CheckpointError, load_with_metadata, save
from tinytorch_compress.execution import sparse_like, sparsify_execution
from tinytorch_compress.sparse import SparseLinear

pytest.importorskip("scipy")


def test_layers_whose_weight_a_parent_reads_go_on_working():
    model = models.GPT(11, 8, layers=1, heads=2, width=16).eval()
    tokens = tt.tensor([[1, 2, 3]])
    expected = model(tokens).detach().numpy()
    sparsify_execution(model, tokens, rounds=1, margin=0.0)
    assert [part for part in model.modules() if isinstance(part, SparseLinear)]
    np.testing.assert_allclose(model(tokens).detach().numpy(), expected, rtol=1e-4, atol=1e-5)
    with tt.no_grad():
        np.testing.assert_allclose(model(tokens).numpy(), expected, rtol=1e-4, atol=1e-5)


def test_layers_are_replaced_where_they_were_faster():
    model = nn.Sequential(layer(2048, 1024, 0.999), nn.ReLU(), layer(1024, 4, 0.0))
    x = tt.randn(8, 2048)
    expected = model(x).detach().numpy()
    dense = copy.deepcopy(model)
    changed, choices = sparsify_execution(model, x, rounds=5)
    assert changed is model
    assert [(each.layer, each.rows, each.is_sparse) for each in choices] == [("0", 8, True), ("2", 8, False)]
    assert [type(part) for part in model] == [SparseLinear, nn.ReLU, nn.Linear]
    np.testing.assert_allclose(model(x).detach().numpy(), expected, rtol=1e-4, atol=1e-4)
    unchanged, _ = sparsify_execution(dense, x, rounds=3, margin=float("inf"))
    assert [type(part) for part in unchanged] == [nn.Linear, nn.ReLU, nn.Linear]


@pytest.mark.parametrize(
    ("model", "options", "sentence"),
    [
        (nn.Linear(3, 2), {}, "expected a module with linear layers in it, got Linear"),
        (nn.Sequential(nn.Linear(3, 2)), {"rounds": 0}, "expected rounds of 1 or more, got 0"),
        (nn.Sequential(nn.Linear(3, 2)), {"margin": "a"}, "expected margin as a number, got 'a'"),
    ],
)
def test_what_cannot_be_asked_for_is_one_sentence(model, options, sentence):
    with pytest.raises((TypeError, ValueError), match=f"sparsify_execution: {sentence}"):
        sparsify_execution(model, tt.zeros(1, 3), **options)


def test_a_layer_in_two_places_is_replaced_in_both():
    shared = layer(4, 4, 0.5)
    model, x = nn.Sequential(shared, nn.ReLU(), nn.Sequential(shared)), tt.randn(2, 4)
    expected = model(x).detach().numpy()
    sparsify_execution(model, x, rounds=1, margin=0.0)
    assert isinstance(model[0], SparseLinear)
    assert model[2][0] is model[0]
    np.testing.assert_allclose(model(x).detach().numpy(), expected, rtol=1e-5, atol=1e-6)


def test_looking_for_rows_moves_no_average():
    model = nn.Sequential(nn.BatchNorm1d(6), layer(6, 5, 0.5)).train()
    sparsify_execution(model, tt.ones(4, 6), rounds=1, margin=float("inf"))
    assert model[0].num_batches_tracked.item() == 0
    assert model[0].running_mean.tolist() == [0.0] * 6
    assert model.training


@pytest.fixture
def written(known, trained, tmp_path):
    """A file with a model of sparse layers."""
    saved = recipes.load_model(trained)
    sparsify_execution(saved.model, tt.zeros(1, 1, 8, 8), rounds=1, margin=0.0)
    assert isinstance(saved.model[1], SparseLinear)
    recipes.save_model(saved, tmp_path / "sparse.npz")
    return saved, tmp_path / "sparse.npz"


def test_it_is_saved_and_loaded_like_any_other(written):
    saved, path = written
    assert recipes.load_model(path).evaluate() == saved.evaluate()


@pytest.mark.parametrize(
    ("name", "value"), [("1.columns", 64), ("1.columns", -1), ("1.starts", 9_999_999), ("1.starts", -5)]
)
def test_places_outside_of_the_weight_are_never_read(written, name, value):
    _, path = written
    tensors, metadata = load_with_metadata(path)
    tensors[f"model.{name}"].array[1] = value
    save(tensors, path, metadata)
    with pytest.raises(ValueError, match="SparseLinear: its columns and starts are no places in its weight"):
        recipes.load_model(path).evaluate()


@pytest.mark.parametrize(
    "structure", [{}, {"nonzero": []}, {"nonzero": {"0": 3}}, {"nonzero": {"1": -1}}, {"nonzero": {"1": 1 << 40}}]
)
def test_a_structure_that_cannot_be_is_refused(structure):
    with pytest.raises(ValueError, match="sparse: expected linear layers and how many"):
        sparse_like(models.mlp(3, 2), structure)


def test_a_file_whose_structure_is_forged_is_one_sentence(written):
    _, path = written
    tensors, metadata = load_with_metadata(path)
    metadata["transforms"][0]["structure"] = {"nonzero": {"2": 5}}
    save(tensors, path, metadata)
    with pytest.raises(CheckpointError, match="does not fit recipe 'digits-mlp': sparse: expected linear layers"):
        recipes.load_model(path)
