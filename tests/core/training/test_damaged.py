"""Checkpoints that are damaged, hostile or of another run: one sentence each, and nothing has changed."""

import json
import math
import pickle
import zipfile
from contextlib import suppress

import numpy as np
import pytest

import tinytorch
from tinytorch import Generator, nn, optim
from tinytorch.core.training import Callback, EarlyStopping, Trainer, model_state, notes_of
from tinytorch.core.training.checkpoint import _content
from tinytorch.serialization import CheckpointError, load_with_metadata, save
from tinytorch.utils.data import DataLoader, TensorDataset

ENDINGS = ["npz", "safetensors"]


def make(hidden=5, kind=optim.Adam, schedule=True, callbacks=None, dtype="float32"):
    """Make a trainer in the middle of a run, with a gradient accumulated and moments in the optimizer."""
    tinytorch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, 2)).to(dtype)
    optimizer = kind(model.parameters(), lr=0.01)
    scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, 5) if schedule else None
    callbacks = [EarlyStopping("loss")] if callbacks is None else callbacks
    trainer = Trainer(
        model, optimizer, nn.CrossEntropyLoss(), scheduler=scheduler, callbacks=callbacks, accumulate=2, notes={"a": 1}
    )
    data = TensorDataset(tinytorch.randn(20, 3).to(dtype), tinytorch.arange(20) % 2)
    trainer.fit(DataLoader(data, 4, shuffle=True), 2)
    inputs, targets = data[:4]
    trainer._learn(inputs, targets)
    return trainer


def told(trainer):
    """Return all that a run is, as bytes, to see that it has not changed."""
    tensors, metadata = _content(trainer)
    return json.dumps(metadata), {name: tensor.array.tobytes() for name, tensor in tensors.items()}


def refused(trainer, path):
    """Return the one sentence with which a checkpoint is refused."""
    before = told(trainer)
    with pytest.raises(CheckpointError) as caught:
        trainer.load_checkpoint(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    assert len(message) < 400 + len(str(path))
    assert told(trainer) == before
    return message


@pytest.fixture(params=ENDINGS)
def saved(request, tmp_path):
    """A whole checkpoint, in each format."""
    if request.param == "safetensors":
        pytest.importorskip("safetensors")
    path = tmp_path / f"run.{request.param}"
    make().save_checkpoint(path)
    return path


def advanced():
    """Make a run of the same kind that stands elsewhere."""
    trainer = make()
    trainer._learn(tinytorch.ones(4, 3), tinytorch.tensor([0, 1, 0, 1]))
    tinytorch.rand(3)
    return trainer


def test_a_whole_checkpoint_brings_everything_back(saved):
    trainer, wanted = advanced(), told(make())
    assert told(trainer) != wanted
    trainer.load_checkpoint(saved)
    assert told(trainer) == wanted


def test_truncated_at_any_length(saved):
    whole = saved.read_bytes()
    trainer = advanced()
    for length in sorted({*range(0, len(whole), 61), 1, 4, 8, 22, len(whole) - 1}):
        saved.write_bytes(whole[:length])
        refused(trainer, saved)


def test_every_flipped_bit_is_refused_or_harmless(saved):
    """There are bytes that mean nothing (zip's dates); with any of them changed the content is still the same."""
    whole = bytearray(saved.read_bytes())
    wanted, other = told(make()), advanced()
    before = told(other)
    for at in range(0, len(whole), 17):
        whole[at] ^= 1 << at % 8
        saved.write_bytes(whole)
        whole[at] ^= 1 << at % 8
        with suppress(CheckpointError):
            other.load_checkpoint(saved)
        after = told(other)
        assert after in (before, wanted)
        if after == wanted:
            other = advanced()


@pytest.mark.parametrize("content", [b"", b"PK", b"hello", b"\0" * 1000, pickle.dumps({"model": [1, 2]})], ids=repr)
@pytest.mark.parametrize("ending", ENDINGS)
def test_files_of_another_kind(tmp_path, ending, content):
    if ending == "safetensors":
        pytest.importorskip("safetensors")
    path = tmp_path / f"run.{ending}"
    path.write_bytes(content)
    refused(advanced(), path)
    for read in (notes_of, model_state):
        with pytest.raises(CheckpointError):
            read(path)


def test_the_other_format_under_this_name(saved, tmp_path):
    pytest.importorskip("safetensors")
    renamed = tmp_path / ("other.npz" if saved.suffix == ".safetensors" else "other.safetensors")
    renamed.write_bytes(saved.read_bytes())
    refused(advanced(), renamed)


@pytest.mark.parametrize("name", ["run.pt", "run", "run.pkl", "run.npz.gz"])
def test_endings_that_are_not_ours(tmp_path, name):
    assert "expected a path ending in" in refused(advanced(), tmp_path / name)


def test_what_is_no_file(tmp_path):
    (tmp_path / "folder.npz").mkdir()
    for name in ("absent.npz", "folder.npz", "no/where.npz", "x" * 300 + ".npz", "nul\0.npz"):
        refused(advanced(), tmp_path / name)


class Evil:
    """What runs when a pickle is loaded."""

    ran = False

    def __reduce__(self):
        return (exec, ("import test_damaged; raise SystemExit('ran')",))


def test_objects_in_an_npz_are_never_unpickled(tmp_path):
    path = tmp_path / "run.npz"
    np.savez(path, x=np.array([Evil(), 1], dtype=object))
    assert "Python objects" in refused(advanced(), path)


def npy(shape="(1000,)", descr="'<f4'", data=b"\0" * 4000):
    head = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"
    head += " " * (-(len(head) + 11) % 64) + "\n"
    return b"\x93NUMPY\1\0" + len(head).to_bytes(2, "little") + head.encode() + data


ARRAYS = {
    "absurd": npy("(10**15,)".replace("10**15", "1" + "0" * 15)),
    "overflowing": npy("(4294967296, 4294967296, 4294967296)"),
    "negative": npy("(-1,)"),
    "short": npy("(1001,)"),
    "long": npy("(999,)"),
    "no shape": npy("'x'"),
    "code": npy("(__import__('os').getpid(),)"),
    "deep": npy("(" * 90 + ")" * 90),
    "objects": npy("(2,)", "'|O'", b""),
    "structured": npy("(500,)", "[('a', '<f4'), ('b', '<f4')]"),
    "texts": npy("(10,)", "'<U100'"),
    "other byte order": npy("(1000,)", "'>f4'"),
    "complex": npy("(500,)", "'<c8'"),
    "no array": b"hello",
    "nothing": b"",
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_that_lie(tmp_path, name):
    path = tmp_path / "run.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", ARRAYS[name])
    refused(advanced(), path)


def test_an_array_that_is_there_twice(tmp_path):
    path = tmp_path / "run.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", npy())
        archive.writestr("x", npy())
    assert "two tensors 'x'" in refused(advanced(), path)


def test_a_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "run.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", npy("(25000000,)", data=bytes(100_000_000)))
    assert "unpacks to" in refused(advanced(), path)


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", "null", "3", '"x"', "[" * 100_000, "1" * 5000, '{"format": 1}', '{"format": 2}', "\xff"],
    ids=lambda text: repr(text)[:12],
)  # fmt: skip
def test_metadata_that_is_none(tmp_path, text):
    path = tmp_path / "run.npz"
    np.savez(path, __metadata__=np.frombuffer(text.encode("latin-1"), np.uint8))
    refused(advanced(), path)


@pytest.mark.parametrize("array", [np.zeros(3), np.zeros((2, 2), np.uint8), np.array(7)], ids=repr)
def test_metadata_in_the_wrong_place(tmp_path, array):
    path = tmp_path / "run.npz"
    np.savez(path, __metadata__=array)
    refused(advanced(), path)


MISFITS = {
    "another width": ({"hidden": 6}, "(6, 3)"),
    "SGD": ({"kind": optim.SGD}, "its optimizer is 'SGD', this run's is 'Adam'"),
    "AdamW": ({"kind": optim.AdamW}, "its optimizer is 'AdamW', this run's is 'Adam'"),
    "no schedule": ({"schedule": False}, "its scheduler is 'none', this run's is 'CosineAnnealingLR'"),
    "no early stopping": ({"callbacks": []}, "callbacks"),
    "another dtype": ({"dtype": "float64"}, "float64"),
}


@pytest.mark.parametrize("name", MISFITS)
def test_checkpoints_of_another_run(tmp_path, name):
    options, said = MISFITS[name]
    make(**options).save_checkpoint(tmp_path / "run.npz")
    assert said in refused(advanced(), tmp_path / "run.npz")


def test_a_checkpoint_of_another_model(tmp_path):
    model = nn.Sequential(nn.Linear(3, 5), nn.ReLU())
    trainer = Trainer(model, optim.Adam(model.parameters()), nn.CrossEntropyLoss())
    trainer.save_checkpoint(tmp_path / "run.npz")
    message = refused(advanced(), tmp_path / "run.npz")
    assert "misses 'model.1.weight'" in message


def test_weights_alone_are_no_run(tmp_path):
    save(make().model.state_dict(), tmp_path / "weights.npz")
    assert "no checkpoint of a training run" in refused(advanced(), tmp_path / "weights.npz")
    with pytest.raises(CheckpointError, match="no checkpoint of a training run"):
        model_state(tmp_path / "weights.npz")


def test_more_batches_learned_than_there_are(tmp_path):
    trainer = make()
    trainer.save_checkpoint(tmp_path / "run.npz")
    data = DataLoader(TensorDataset(tinytorch.randn(4, 3), tinytorch.tensor([0, 1, 0, 1])), 4)
    trainer.batch = 3
    with pytest.raises(ValueError, match="had learned 3 batches of this epoch, but here are only 1"):
        trainer.fit(data, 9)


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


def test_a_callback_that_refuses_leaves_everything_as_it_was(tmp_path):
    make().save_checkpoint(tmp_path / "run.npz")
    trainer = advanced()
    before = told(trainer)
    trainer.callbacks[0].load_state_dict = fails_once(trainer.callbacks[0].load_state_dict)
    with pytest.raises(CheckpointError, match="does not fit this run: no"):
        trainer.load_checkpoint(tmp_path / "run.npz")
    assert told(trainer) == before


def fails_once(function):
    calls = []

    def call(state):
        calls.append(state)
        if len(calls) == 1:
            raise RuntimeError("no")
        function(state)

    return call


def test_stateless_callbacks_may_differ(tmp_path):
    make(callbacks=[]).save_checkpoint(tmp_path / "run.npz")
    trainer = make(callbacks=[Callback()])
    trainer.load_checkpoint(tmp_path / "run.npz")


class Notebook(Callback):
    """Keeps the losses, of which there are none at first."""

    def __init__(self):
        self.losses = {}

    def on_epoch_end(self, trainer):
        self.losses[str(trainer.epoch)] = trainer.last_loss

    def state_dict(self):
        return dict(self.losses)

    def load_state_dict(self, state_dict):
        self.losses = dict(state_dict)


@pytest.mark.parametrize("empty", ["saved", "loading", "both", "neither"])
def test_a_state_belongs_in_a_checkpoint_even_while_it_is_empty(tmp_path, empty):
    written, reading = make(callbacks=[Notebook()]), make(callbacks=[Notebook()])
    if empty in {"saved", "both"}:
        written.callbacks[0].losses = {}
    if empty in {"loading", "both"}:
        reading.callbacks[0].losses = {}
    written.save_checkpoint(tmp_path / "run.npz")
    reading.load_checkpoint(tmp_path / "run.npz")
    assert reading.callbacks[0].losses == written.callbacks[0].losses


def test_an_empty_state_is_not_taken_for_none(tmp_path):
    trainer = make(callbacks=[Notebook()])
    trainer.callbacks[0].losses = {}
    trainer.save_checkpoint(tmp_path / "run.npz")
    assert "its callbacks" in refused(make(callbacks=[Callback()]), tmp_path / "run.npz")
