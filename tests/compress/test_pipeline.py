"""A pipeline runs registered transforms by name, and tells what each did; nothing runs if one of them cannot."""

from types import SimpleNamespace

import numpy as np
import pytest

from tinytorch import plugins, recipes
from tinytorch.core.training import Callback
from tinytorch.transforming import applied
from tinytorch_compress import prune
from tinytorch_compress.pipeline import Step, run
from tinytorch_compress.reading import read_recipe
from tinytorch_compress.schedule import GradualPruning
from tinytorch_compress.sparsity import sparsity_of


@pytest.fixture
def saved(enabled, trained):
    return recipes.load_model(trained)


@pytest.fixture
def guest():
    """A plugin of somebody else's, with transforms that see examples or refuse."""
    seen = []

    def shrinking(model, calibration, factor=0.5):
        seen.append([batch.shape for batch in calibration])
        model[3].weight.detach().mul_(factor)
        return model

    def refusing(model):
        raise ValueError("refusing: not this model")

    def register_transforms(transforms):
        transforms.update(shrinking=shrinking, refusing=refusing)

    plugins.register(SimpleNamespace(register_transforms=plugins.hookimpl(register_transforms)), "guest")
    yield seen
    plugins.unregister("guest")


def test_each_step_is_told(saved):
    steps = [Step("prune", {"sparsity": 0.6}), Step("low_rank", {"rank": 8, "ignored": ["3"]}, epochs=1, lr=1e-3)]
    results = [*run(saved, steps)]
    before, pruned, thin = (stage for _, stage in results)
    assert [stage.name for stage in (before, pruned, thin)] == ["as it was", "prune", "low_rank, 1 epochs"]
    assert (before.sparsity, pruned.sparsity) == (0.0, pytest.approx(0.6, abs=1e-3))
    assert pruned.packed_bytes < 0.6 * before.packed_bytes
    assert abs(pruned.bytes - before.bytes) < 500
    assert before.macs == pruned.macs == 64 * 128 + 128 * 10
    assert thin.macs == 8 * (64 + 128) + 128 * 10
    assert thin.bytes < 0.5 * before.bytes
    model = results[-1][0].model
    assert not prune.is_pruned(model)
    assert [each.name for each in applied(model)] == ["prune", "remove_masks", "low_rank"]


def test_what_a_pipeline_made_is_read_back(saved, tmp_path):
    *_, (last, stage) = run(saved, [Step("prune", {"pattern": "2:4"}), Step("low_rank", {"energy": 0.9})])
    recipes.save_model(last, tmp_path / "small.npz", compress=True)
    assert (tmp_path / "small.npz").stat().st_size == stage.packed_bytes
    again = recipes.load_model(tmp_path / "small.npz")
    assert again.evaluate() == last.evaluate()


def test_steps_follow_each_other_in_any_order(saved, tmp_path):
    pytest.importorskip("scipy")
    steps = [
        Step("prune_structured", {"amount": 0.25}),
        Step("prune", {"sparsity": 0.9}),
        Step("low_rank", {"rank": 12, "ignored": "3"}),
        Step("sparse", {"margin": 0.0}),
    ]
    *_, (last, stage) = run(saved, steps)
    recipes.save_model(last, tmp_path / "small.npz", compress=True)
    again = recipes.load_model(tmp_path / "small.npz")
    assert again.evaluate() == last.evaluate()
    assert stage.macs < 64 * 96 + 96 * 10


def test_a_model_with_masks_is_read_back_with_them(saved, tmp_path):
    made = plugins.transforms()["prune"](saved.model, sparsity=0.5)
    recipes.save_model(saved.having(made), tmp_path / "masked.npz")
    again = recipes.load_model(tmp_path / "masked.npz").model
    assert list(again.state_dict()) == list(made.state_dict())
    assert sparsity_of(again) == 0.5


def test_pruning_with_epochs_is_gradual_and_ends_on_time(saved):
    seen = []

    class Watcher(Callback):
        def on_epoch_end(self, trainer):
            seen.append(sparsity_of(trainer.model))

    step = Step("prune", {"sparsity": 0.8}, epochs=4, lr=1e-3)
    *_, (_, stage) = run(saved, [step], callbacks=lambda _: [Watcher()])
    assert seen[1:] == pytest.approx([0.8] * 3, abs=1e-4)
    assert 0.5 < seen[0] < 0.8
    assert stage.sparsity == pytest.approx(0.8, abs=1e-4)


def test_pruning_at_random_is_random_with_epochs_too(saved):
    step = Step("prune", {"sparsity": 0.5, "method": "random"}, epochs=1, lr=1e-6)
    before = np.abs(saved.model[1].weight.array)
    *_, (last, stage) = run(saved, [step])
    gone = before[last.model[1].weight.array == 0]
    assert stage.sparsity == pytest.approx(0.5, abs=1e-3)
    assert 0.4 < (gone > np.median(before)).mean() < 0.6


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"sparsity": 0.5, "method": "foo"}, "expected scope global or layer and method magnitude or random, got"),
        ({"sparsity": 0.5, "pattern": "2:4"}, "expected either a sparsity or a pattern"),
    ],
)
def test_a_pruning_that_cannot_be_is_refused_with_epochs_too(saved, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        [*run(saved, [Step("prune", options, epochs=1)])]


@pytest.mark.parametrize("unnoted", ["single", "half", "bias"])
def test_what_was_masked_by_itself_is_written_with_all_or_refused(saved, tmp_path, unnoted):
    prune.l1_unstructured(saved.model[1], "bias" if unnoted == "bias" else "weight", 0.5)
    if unnoted == "single":
        with pytest.raises(ValueError, match=r"save_model: '1\.weight' is not in the model.* masks of single layers"):
            recipes.save_model(saved, tmp_path / "model.npz")
        assert not (tmp_path / "model.npz").exists()
        return
    plugins.transforms()["prune"](saved.model, sparsity=0.6)
    recipes.save_model(saved, tmp_path / "model.npz")
    again = recipes.load_model(tmp_path / "model.npz").model
    assert list(again.state_dict()) == list(saved.model.state_dict())


def test_masks_that_went_one_by_one_are_told_by_remove_all(saved, tmp_path):
    plugins.transforms()["prune"](saved.model, sparsity=0.6)
    prune.remove(saved.model[1], "weight")
    with pytest.raises(ValueError, match=r"save_model: '1\.weight' is \(128, 64\), and not there"):
        recipes.save_model(saved, tmp_path / "model.npz")
    prune.remove(saved.model[3], "weight")
    recipes.save_model(saved.having(prune.remove_all(saved.model)), tmp_path / "model.npz")
    assert recipes.load_model(tmp_path / "model.npz").evaluate() == saved.evaluate()


def test_the_checkpoint_of_a_gradual_pruning_is_read_as_a_model(enabled, tmp_path):
    run = recipes.prepare(recipes.find("xor"), epochs=1, checkpoint=tmp_path / "run.npz")
    run.trainer.callbacks.insert(0, GradualPruning(run.trainer.model, 0.5, end=1, every=1))
    run.fit()
    again = recipes.load_model(tmp_path / "run.npz")
    assert sparsity_of(again.model) == sparsity_of(run.trainer.model) == 0.5
    assert again.evaluate() == run.evaluate()


def test_the_same_seed_gives_the_same_bits(enabled, trained):
    states = []
    for _ in range(2):
        step = Step("prune", {"sparsity": 0.8}, epochs=1)
        *_, (last, _) = run(recipes.load_model(trained), [step], seed=7)
        states.append(last.model.state_dict())
    for name, tensor in states[0].items():
        np.testing.assert_array_equal(states[1][name].numpy(), tensor.numpy())


def test_transforms_of_other_plugins_see_examples_if_they_take_some(saved, guest):
    with plugins.using("compress", "guest"):
        [*run(saved, [Step("shrinking", {"factor": 2.0}, calibration_batches=3)])]
    assert guest == [[(32, 1, 8, 8)] * 3]


WRONG = [
    (Step("purne"), "no enabled plugin brings a transform 'purne'; there are .*; did you mean 'prune'"),
    (Step("shrinking", {"calibration": 5}), "transform 'shrinking': calibration is drawn from the training data"),
    (Step("shrinking", {"facto": 1}), "transform 'shrinking': got an unexpected keyword argument 'facto'"),
]


@pytest.mark.parametrize(("step", "sentence"), WRONG)
def test_nothing_runs_where_a_later_step_cannot(saved, guest, step, sentence):
    with plugins.using("compress", "guest"), pytest.raises(ValueError, match=sentence):
        run(saved, [Step("prune", {"sparsity": 0.5}), step])
    assert sparsity_of(saved.model) == 0.0


def test_a_step_that_fails_leaves_the_model_whole(saved, guest):
    state = {name: tensor.numpy().copy() for name, tensor in saved.model.state_dict().items()}
    with plugins.using("compress", "guest"), pytest.raises(ValueError, match="refusing: not this model"):
        [*run(saved, [Step("prune", {"sparsity": 0.5}), Step("refusing")])]
    assert [*saved.model.state_dict()] == [*state]
    for name, tensor in saved.model.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), state[name])


RECIPE = """
plugins = ["guest"]

[[step]]
transform = "prune"
sparsity = 0.9
ignored = ["3"]
epochs = 2
lr = 1e-3

[[step]]
transform = "shrinking"
calibration_batches = 2
"""


def test_a_recipe_is_plugins_and_steps(tmp_path):
    (tmp_path / "r.toml").write_text(RECIPE)
    names, steps = read_recipe(tmp_path / "r.toml")
    assert names == ["guest"]
    assert steps == [
        Step("prune", {"sparsity": 0.9, "ignored": ["3"]}, 2, 1e-3),
        Step("shrinking", {}, calibration_batches=2),
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[step", "cannot read the recipe"),
        ("", r"expected \[\[step\]\] tables"),
        ("step = []", r"expected \[\[step\]\] tables"),
        ("step = 3", r"expected \[\[step\]\] tables"),
        ("plugin = 'a'\n[[step]]\ntransform = 'prune'", r"expected \[\[step\]\] tables and plugins = \[names\], got"),
        ("plugins = 'a'\n[[step]]\ntransform = 'prune'", r"expected \[\[step\]\] tables"),
        ("[[step]]\nsparsity = 1", r"step 1: Step: expected the name of a transform, got ''"),
        ("[[step]]\ntransform = 3", r"step 1: Step: expected the name of a transform, got 3"),
        (
            "[[step]]\ntransform = 'a'\n[[step]]\ntransform = 'a'\nepochs = -1",
            "step 2: a: expected epochs as a whole number from 0 on, got -1",
        ),
        ("[[step]]\ntransform = 'a'\nepochs = true", "expected epochs as a whole number"),
        ("[[step]]\ntransform = 'a'\nlr = nan", "expected lr as a number above 0, got nan"),
        ("[[step]]\ntransform = 'a'\nlr = 'x'", "expected lr as a number above 0, got 'x'"),
        ("[[step]]\ntransform = 'a'\ngradual = 1", "expected gradual as true or false"),
        (
            "[[step]]\ntransform = 'a'\ncalibration_batches = 0",
            "expected calibration_batches as a whole number from 1 on",
        ),
    ],
)
def test_a_recipe_that_cannot_be_is_one_sentence(tmp_path, text, sentence):
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(ValueError, match=sentence):
        read_recipe(tmp_path / "r.toml")


def test_a_recipe_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(ValueError, match=r"cannot read the recipe .*none\.toml: No such file"):
        read_recipe(tmp_path / "none.toml")
