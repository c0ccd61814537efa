import dataclasses

import numpy as np
import pytest

import tinytorch
from tinytorch import recipes
from tinytorch.core.layers import Linear
from tinytorch.core.training import Trainer
from tinytorch.core.training.checkpoint import _content
from tinytorch.serialization import CheckpointError


def weights(run):
    return {name: tensor.array.copy() for name, tensor in run.trainer.model.state_dict().items()}


def same_bits(first, second):
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


def test_xor_is_learned_whatever_the_seed():
    for seed in range(5):
        run = recipes.prepare(recipes.find("xor"), seed=seed)
        run.fit()
        assert run.evaluate()["accuracy"] == 1.0


def test_the_digits_are_learned_a_little_in_two_epochs():
    run = recipes.prepare(recipes.find("digits-cnn"), epochs=2)
    history = run.fit()
    assert len(history) == 2
    assert run.evaluate()["accuracy"] > 0.75  # 0.92 and more over seeds 0-9


def test_the_perceptron_learns_the_digits():
    run = recipes.prepare(recipes.find("digits-mlp"), epochs=10)
    run.fit()
    assert run.evaluate()["accuracy"] > 0.94  # 0.955 and more over seeds 0-9


def test_the_same_seed_gives_the_same_bits():
    results = []
    for seed in (3, 3, 4):
        run = recipes.prepare(recipes.find("digits-mlp"), seed=seed, epochs=1)
        run.fit()
        results.append(weights(run))
    assert same_bits(results[0], results[1])
    assert not same_bits(results[0], results[2])


def test_every_recipe_fits_its_own_data(tmp_path):
    for name in recipes.names():
        recipe = recipes.find(name)
        if name == "fashion-cnn":
            recipe = dataclasses.replace(recipe, load_data=lambda path: images_of_clothes())
        run = recipes.prepare(recipe, epochs=1)
        inputs, targets = next(iter(run.train_batches))
        assert run.recipe.loss(run.trainer.model(inputs), targets).isfinite().item()


def images_of_clothes():
    part = tinytorch.utils.data.TensorDataset(tinytorch.rand(8, 1, 28, 28), tinytorch.arange(8))
    return part, part


def test_an_unknown_recipe_says_what_there_is():
    with pytest.raises(ValueError, match="did you mean 'digits-cnn'") as caught:
        recipes.find("digit-cnn")
    assert "xor" in str(caught.value)


def test_a_name_is_taken_once():
    with pytest.raises(ValueError, match="already"):
        recipes.register(recipes.find("xor"))


def test_a_recipe_of_ones_own_is_plain_data():
    mine = dataclasses.replace(
        recipes.find("xor"), name="mine", make_model=lambda train: Linear(2, 2), make_scheduler=None
    )
    run = recipes.prepare(mine, epochs=2)
    assert len(run.fit()) == 2


@pytest.mark.parametrize("stop", [1, 4])
def test_a_resumed_run_gives_the_bits_of_an_unbroken_one(tmp_path, stop):
    path = tmp_path / "run.npz"
    unbroken = recipes.prepare(recipes.find("digits-mlp"), epochs=5, seed=7)
    unbroken.fit()
    broken = recipes.prepare(recipes.find("digits-mlp"), epochs=5, seed=7, checkpoint=path)
    broken.trainer.fit(broken.train_batches, stop)
    tinytorch.manual_seed(99)
    resumed = recipes.resume(path)
    assert resumed.settings == broken.settings
    resumed.fit()
    assert same_bits(weights(unbroken), weights(resumed))
    assert resumed.trainer.history == unbroken.trainer.history


def test_a_resumed_run_may_go_on_longer(tmp_path):
    path = tmp_path / "run.npz"
    recipes.prepare(recipes.find("xor"), epochs=3, checkpoint=path).fit()
    assert len(recipes.resume(path, epochs=5).fit()) == 5


def noting(tmp_path, notes):
    """Return the path of a whole checkpoint that carries these notes."""
    run = recipes.prepare(recipes.find("xor"), epochs=1)
    run.trainer.notes = notes
    run.trainer.save_checkpoint(tmp_path / "run.npz")
    return tmp_path / "run.npz"


GOOD = {"recipe": "xor", "seed": 0, "epochs": 1, "batch_size": 4, "lr": 0.05}


@pytest.mark.parametrize(
    "change",
    [
        {"recipe": None},
        {"recipe": ["xor"]},
        {"recipe": "no-such"},
        {"recipe": "digits-mlp"},
        {"seed": -1},
        {"seed": "0"},
        {"seed": True},
        {"epochs": 1.5},
        {"epochs": None},
        {"batch_size": 0},
        {"lr": float("nan")},
        {"lr": float("inf")},
        {"lr": -1.0},
        {"lr": "0.1"},
        {"data": 3},
    ],
    ids=str,
)
def test_notes_that_cannot_be_are_refused(tmp_path, change):
    path = noting(tmp_path, {**GOOD, **change})
    with pytest.raises(CheckpointError) as caught:
        recipes.resume(path)
    assert "\n" not in str(caught.value)


def test_good_notes_are_taken(tmp_path):
    assert recipes.resume(noting(tmp_path, GOOD)).settings.lr == 0.05


def test_a_checkpoint_of_no_recipe_says_so(tmp_path):
    model = Linear(2, 2)
    trainer = Trainer(model, tinytorch.optim.SGD(model.parameters()), tinytorch.nn.MSELoss())
    trainer.save_checkpoint(tmp_path / "own.npz")
    with pytest.raises(CheckpointError, match="does not say which recipe"):
        recipes.resume(tmp_path / "own.npz")


def test_preparing_writes_nothing(tmp_path):
    run = recipes.prepare(recipes.find("xor"), checkpoint=tmp_path / "run.npz")
    assert _content(run.trainer)
    assert not [*tmp_path.iterdir()]
