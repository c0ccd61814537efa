"""A run that stands in the middle: made, described to the bit, and asked to take a checkpoint that it must refuse."""

import json

import pytest

import tinytorch
from tinytorch import nn, optim
from tinytorch.core.training import EarlyStopping, Trainer
from tinytorch.core.training.checkpoint import _content
from tinytorch.serialization import CheckpointError
from tinytorch.utils.data import DataLoader, TensorDataset


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


def advanced():
    """Make a run of the same kind that stands elsewhere."""
    trainer = make()
    trainer._learn(tinytorch.ones(4, 3), tinytorch.tensor([0, 1, 0, 1]))
    tinytorch.rand(3)
    return trainer
