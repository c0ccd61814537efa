"""Checkpoints that are whole but of another run, and which callbacks have a part in that."""

import pytest
from middle_of_a_run import advanced, make, refused, told

import tinytorch
from tinytorch import nn, optim
from tinytorch.core.training import Callback, Trainer, model_state
from tinytorch.serialization import CheckpointError, save
from tinytorch.utils.data import DataLoader, TensorDataset

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
