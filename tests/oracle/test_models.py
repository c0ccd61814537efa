"""A checkpoint that PyTorch wrote with safetensors loads, and the model then gives PyTorch's answers."""

import models
import numpy as np
import pytest
from agreement import HAS_TORCH

import tinytorch as tt

pytest.importorskip("safetensors")


@pytest.fixture(
    params=["recorded", pytest.param("live", marks=pytest.mark.skipif(not HAS_TORCH, reason="needs PyTorch"))]
)
def folder(request, tmp_path):
    if request.param == "recorded":
        return models.RECORDED
    for name in models.MODELS:
        models.write(name, tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", models.MODELS)
def test_a_model_of_pytorch_gives_its_answers(folder, name):
    model = models.MODELS[name](tt.nn)
    model.load_state_dict(tt.load(folder / f"{name}.safetensors"))
    with np.load(folder / f"{name}_answer.npz") as file, tt.no_grad():
        found = model.eval()(tt.tensor(file["x"])).numpy()
        np.testing.assert_allclose(found, file["answer"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", models.MODELS)
def test_a_state_saved_here_has_pytorchs_names_and_shapes(folder, name, tmp_path):
    tt.save(models.MODELS[name](tt.nn).state_dict(), tmp_path / "ours.safetensors")
    ours, theirs = tt.load(tmp_path / "ours.safetensors"), tt.load(folder / f"{name}.safetensors")
    assert {key: (each.shape, each.dtype) for key, each in ours.items()} == {
        key: (each.shape, each.dtype) for key, each in theirs.items()
    }
