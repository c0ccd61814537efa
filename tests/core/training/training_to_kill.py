"""The training that test_killed kills: small, but with everything that a checkpoint must keep.

Dropout and a random transform draw from the process's stream, Adam has moments and counts, a schedule moves the rate,
gradients are accumulated over two batches, early stopping counts. With OWN not 0 the loader and another transform have
a generator of their own. `python training_to_kill.py PATH EVERY OWN`.
"""

import sys
from pathlib import Path

import tinytorch
from tinytorch import Generator, nn, optim
from tinytorch.core.dataloader import Transformed
from tinytorch.core.training import Callback, EarlyStopping, Trainer
from tinytorch.utils.data import DataLoader, TensorDataset

EPOCHS, ROWS, BATCH = 8, 60, 4


class Ready(Callback):
    """Tells the killer that training goes on."""

    def on_train_start(self, trainer):
        sys.stdout.write("ready\n")
        sys.stdout.flush()


class Noise:
    """Adds noise, drawn from the process's stream or from a generator."""

    def __init__(self, generator):
        self.generator = generator

    def __call__(self, row):
        return row + 0.1 * tinytorch.randn(row.shape, generator=self.generator)


def make(path, every, own):
    """Make the trainer and its batches."""
    tinytorch.manual_seed(0)
    inputs = tinytorch.randn(ROWS, 6)
    data = Transformed(TensorDataset(inputs, (inputs.sum(1) > 0).long()), Noise(Generator(1) if own else None))
    model = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 2))
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    trainer = Trainer(
        model,
        optimizer,
        nn.CrossEntropyLoss(),
        scheduler=optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS),
        callbacks=[Ready(), EarlyStopping("loss", patience=100)],
        accumulate=2,
        checkpoint=path,
        checkpoint_every=every,
    )
    return trainer, DataLoader(data, BATCH, shuffle=True, generator=Generator(2) if own else None)


def main():
    path, every, own = Path(sys.argv[1]), int(sys.argv[2]) or None, bool(int(sys.argv[3]))
    trainer, batches = make(path, every, own)
    if path.exists():
        trainer.load_checkpoint(path)
    trainer.fit(batches, EPOCHS)


if __name__ == "__main__":
    main()
