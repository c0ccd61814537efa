"""Gradual pruning follows the cubic schedule, and a run that was killed goes on to the same bits."""

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import models, nn
from tinytorch.core.training import Callback, Trainer
from tinytorch.serialization import CheckpointError
from tinytorch.utils.data import DataLoader, TensorDataset
from tinytorch_compress.schedule import GradualPruning, cubic
from tinytorch_compress.sparsity import sparsity_of


class Watcher(Callback):
    def __init__(self):
        self.seen = []

    def on_step_end(self, trainer):
        self.seen.append(sparsity_of(trainer.model))


def run(*, pruned=True, **options):
    """A small training with a pruning callback and one that watches."""
    tt.manual_seed(0)
    data = TensorDataset(tt.randn(40, 8), tt.randint(0, 3, (40,)))
    model = models.mlp(8, 16, 3)
    trainer = Trainer(model, tt.optim.Adam(model.parameters(), lr=0.01), nn.functional.cross_entropy)
    watcher = Watcher()
    options = {"end": 18, "every": 4, "begin": 2, **options}
    trainer.callbacks += [GradualPruning(model, 0.75, **options), watcher] if pruned else []
    return trainer, DataLoader(data, 8, shuffle=True), watcher


def test_the_schedule_is_the_papers():
    assert cubic(0, 10, 110, 0.1, 0.9) == cubic(10, 10, 110, 0.1, 0.9) == 0.1
    assert cubic(60, 10, 110, 0.1, 0.9) == pytest.approx(0.9 - 0.8 * 0.5**3)
    assert cubic(110, 10, 110, 0.1, 0.9) == cubic(999, 10, 110, 0.1, 0.9) == 0.9


def test_a_training_prunes_as_the_schedule_says():
    trainer, batches, watcher = run()
    trainer.fit(batches, 4)
    count = 8 * 16 + 16 * 3
    assert len(watcher.seen) == 20
    for step, seen in enumerate(watcher.seen, 1):
        last = max((at for at in (2, 6, 10, 14, 18) if at <= step), default=0)
        assert seen == round(cubic(last, 2, 18, 0.0, 0.75) * count) / count


def test_the_last_step_prunes_even_between_two_times():
    trainer, batches, watcher = run(every=100, end=7)
    trainer.fit(batches, 2)
    assert watcher.seen[-4] == 0.75
    assert watcher.seen[-5] == 0.0


def test_a_run_that_was_killed_goes_on_to_the_same_bits(tmp_path):
    whole, batches, _ = run()
    whole.fit(batches, 4)
    first, batches, _ = run()
    first.fit(batches, 2)
    first.save_checkpoint(tmp_path / "run.npz")
    second, batches, _ = run()
    second.load_checkpoint(tmp_path / "run.npz")
    second.fit(batches, 4)
    for name, tensor in whole.model.state_dict().items():
        np.testing.assert_array_equal(second.model.state_dict()[name].numpy(), tensor.numpy())


def test_a_run_without_masks_refuses_a_checkpoint_with_some(tmp_path):
    first, _, _ = run()
    first.save_checkpoint(tmp_path / "run.npz")
    plain, _, _ = run(pruned=False)
    with pytest.raises(CheckpointError, match="weight_mask"):
        plain.load_checkpoint(tmp_path / "run.npz")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"sparsity": 1.0, "end": 5}, "expected sparsity of at least 0 and below 1"),
        ({"sparsity": 0.5, "initial": 0.6, "end": 5}, "expected initial of at most 0.5, got 0.6"),
        ({"sparsity": 0.5, "begin": 5, "end": 5}, "expected end of 6 or more, got 5"),
        ({"sparsity": 0.5, "end": 5, "every": 0}, "expected every of 1 or more"),
        ({"sparsity": 0.5, "end": 5, "ignored": "9"}, "there is no weight '9' to ignore"),
    ],
)
def test_what_cannot_be_is_one_sentence(options, sentence):
    model = models.mlp(3, 2)
    with pytest.raises(ValueError, match=sentence):
        GradualPruning(model, **options)
    assert list(model.state_dict()) == ["1.weight", "1.bias"]
