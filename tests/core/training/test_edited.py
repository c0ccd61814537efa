"""Checkpoints whose content somebody has edited: whole files that say what cannot be."""

import math

import pytest
from middle_of_a_run import advanced, make, refused

import tinytorch
from tinytorch import Generator
from tinytorch.serialization import load_with_metadata, save


def put(*path, value):
    """Return an edit that sets one place of the metadata."""

    def edit(tensors, metadata):
        for name in path[:-1]:
            metadata = metadata[name]
        metadata[path[-1]] = value

    return edit


def drop(*path):
    """Return an edit that removes one place of the metadata."""

    def edit(tensors, metadata):
        for name in path[:-1]:
            metadata = metadata[name]
        del metadata[path[-1]]

    return edit


def put_tensor(name, value, listed=True):
    """Return an edit that sets or adds a tensor."""

    def edit(tensors, metadata):
        tensors[name] = tinytorch.tensor(value)
        if listed:
            metadata["tensors"] = sorted(tensors)

    return edit


def drop_tensor(name, listed=True):
    """Return an edit that removes a tensor, from the list of tensors too."""

    def edit(tensors, metadata):
        del tensors[name]
        if listed:
            metadata["tensors"] = sorted(tensors)

    return edit


NAN, HUGE = math.nan, 10**400
COUNTS, NO_COUNTS = ("epoch", "batch", "step"), ("x", -1, 1.5, NAN, math.inf, HUGE, None, True, [1])
PARTS = ("notes", "tensors", "progress", "random", "optimizer", "scheduler", "callbacks")
GROUP = ("optimizer", "param_groups", 0)
EDITS = {
    **{f"{name} = {value!r}"[:40]: put("progress", name, value=value) for name in COUNTS for value in NO_COUNTS},
    **{f"no {part}": drop(part) for part in PARTS},
    **{f"{part} = 3": put(part, value=3) for part in PARTS},
    **{f"{part} = []": put(part, value=[]) for part in PARTS},
    "an extra part": put("extra", value=1),
    "no epoch": drop("progress", "epoch"),
    "an extra progress": put("progress", "extra", value=1),
    "totals short": drop("progress", "totals", "rows"),
    "totals text": put("progress", "totals", "loss", value="x"),
    "rows nan": put("progress", "totals", "rows", value=NAN),
    "rows negative": put("progress", "totals", "rows", value=-1.0),
    "history text": put("progress", "history", value="x"),
    "history short": put("progress", "history", value=[]),
    "history of texts": put("progress", "history", value=["a", "b"]),
    "history of null": put("progress", "history", value=[{"loss": None}, {"loss": None}]),
    "should_stop 1": put("progress", "should_stop", value=1),
    "random huge": put("random", 0, "state", "state", value=HUGE),
    "random negative": put("random", 0, "state", "inc", value=-1),
    "random text": put("random", 0, "state", "state", value="x"),
    "random short": drop("random", 0, "state"),
    "random of another kind": put("random", 0, "bit_generator", value="MT19937"),
    "random of two": put("random", value=[Generator(0).get_state(), Generator(1).get_state()]),
    "epoch_random empty": put("progress", "epoch_random", value=[]),
    "epoch_random of nothing": put("progress", "epoch_random", value=[{}]),
    "epoch_random float": put("progress", "epoch_random", 0, "uinteger", value=0.5),
    "optimizer kind": put("optimizer", "kind", value="SGD"),
    "optimizer kind list": put("optimizer", "kind", value=[]),
    "no groups": put("optimizer", "param_groups", value=[]),
    "groups null": put("optimizer", "param_groups", value=None),
    "group text": put("optimizer", "param_groups", value=["x"]),
    "two groups": put("optimizer", "param_groups", value=[{}, {}]),
    "lr text": put(*GROUP, "lr", value="x"),
    "lr nan": put(*GROUP, "lr", value=NAN),
    "lr infinite": put(*GROUP, "lr", value=math.inf),
    "lr negative": put(*GROUP, "lr", value=-1.0),
    "lr true": put(*GROUP, "lr", value=True),
    "no lr": drop(*GROUP, "lr"),
    "an extra option": put(*GROUP, "momentum", value=0.9),
    "betas number": put(*GROUP, "betas", value=0.9),
    "betas three": put(*GROUP, "betas", value=[0.9, 0.9, 0.9]),
    "betas text": put(*GROUP, "betas", value=["a", "b"]),
    "betas too large": put(*GROUP, "betas", value=[0.9, 2.0]),
    "params others": put(*GROUP, "params", value=[5, 4, 3, 2, 1, 0]),
    "params text": put(*GROUP, "params", value="x"),
    "state text": put("optimizer", "state", value="x"),
    "state of nobody": put("optimizer", "state", "99", value={"step": 1}),
    "state of a word": put("optimizer", "state", "x", value={"step": 1}),
    "state of -1": put("optimizer", "state", "-1", value={"step": 1}),
    "step text": put("optimizer", "state", "0", "step", value="x"),
    "step nan": put("optimizer", "state", "0", "step", value=NAN),
    "step huge": put("optimizer", "state", "0", "step", value=HUGE),
    "scheduler kind": put("scheduler", "kind", value="StepLR"),
    "scheduler none": put("scheduler", value=None),
    "last_epoch text": put("scheduler", "state", "last_epoch", value="x"),
    "last_epoch half": put("scheduler", "state", "last_epoch", value=2.5),
    "last_epoch nan": put("scheduler", "state", "last_epoch", value=NAN),
    "last_epoch huge": put("scheduler", "state", "last_epoch", value=HUGE),
    "base_lrs two": put("scheduler", "state", "base_lrs", value=[0.1, 0.1]),
    "base_lrs text": put("scheduler", "state", "base_lrs", value=["x"]),
    "no last_epoch": drop("scheduler", "state", "last_epoch"),
    "callback kind": put("callbacks", 0, "kind", value="Other"),
    "callback text": put("callbacks", 0, value="x"),
    "two callbacks": put("callbacks", value=[1, 2]),
    "best text": put("callbacks", 0, "state", "best", value="x"),
    "waited null": put("callbacks", 0, "state", "waited", value=None),
    "callback state null": put("callbacks", 0, "state", value=None),
    "no best": drop("callbacks", 0, "state", "best"),
    "no weight": drop_tensor("model.0.weight"),
    "no weight, though listed": drop_tensor("model.0.weight", listed=False),
    "no moment, though listed": drop_tensor("optimizer.0.exp_avg", listed=False),
    "an extra weight": put_tensor("model.9.weight", [1.0]),
    "an extra weight, not listed": put_tensor("model.9.weight", [1.0], listed=False),
    "weight of another shape": put_tensor("model.0.bias", [1.0]),
    "weight of another dtype": put_tensor("model.0.bias", [1, 2, 3, 4, 5]),
    "gradient of nobody": put_tensor("grad.nobody", [1.0]),
    "gradient of another shape": put_tensor("grad.0.bias", [1.0]),
    "moment of nobody": put_tensor("optimizer.77.exp_avg", [1.0]),
    "moment of a word": put_tensor("optimizer.x.exp_avg", [1.0]),
    "moment without name": put_tensor("optimizer.0", [1.0]),
    "moment of another shape": put_tensor("optimizer.0.exp_avg", [1.0]),
    "moment as a number": put_tensor("optimizer.1.exp_avg", 1.0),
    "a tensor of no part": put_tensor("stray", [1.0]),
}  # fmt: skip


@pytest.mark.parametrize("name", EDITS)
def test_content_that_cannot_be(tmp_path, name):
    path = tmp_path / "run.npz"
    make().save_checkpoint(path)
    tensors, metadata = load_with_metadata(path)
    EDITS[name](tensors, metadata)
    save(tensors, path, metadata)
    refused(advanced(), path)


def test_a_loss_that_was_nan_is_no_damage(tmp_path):
    trainer = make()
    trainer.totals["loss"] = trainer.history[0]["loss"] = NAN
    trainer.save_checkpoint(tmp_path / "run.npz")
    other = advanced()
    other.load_checkpoint(tmp_path / "run.npz")
    assert math.isnan(other.history[0]["loss"])
