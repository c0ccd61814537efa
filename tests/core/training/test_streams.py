"""Streams: batches that draw from generators of their own, and runs that go on with them from a checkpoint."""

import pytest

import tinytorch as tt
from tinytorch import nn
from tinytorch.core.dataloader import Compose, RandomCrop, RandomHorizontalFlip, Transformed
from tinytorch.core.tensor.random import default_generator
from tinytorch.core.training import Callback, Trainer
from tinytorch.core.training.streams import generators_of
from tinytorch.nn import functional as F
from tinytorch.serialization import CheckpointError
from tinytorch.utils.data import DataLoader, Subset, TensorDataset, random_split


class StopAt(Callback):
    """Stops after so many steps, as a kill does."""

    def __init__(self, step):
        self.step = step

    def on_step_end(self, trainer):
        trainer.should_stop = trainer.step == self.step


def images(transform):
    data = TensorDataset(tt.rand(20, 1, 5, 5, generator=tt.Generator(0)), tt.arange(20) % 2)
    return Transformed(data, transform)


def both():
    """Batches to learn from and to be tested with, that draw from five generators."""
    flip_and_crop = Compose([RandomHorizontalFlip(generator=tt.Generator(1)), RandomCrop(4, generator=tt.Generator(2))])
    part, _ = random_split(images(flip_and_crop), [16, 4], tt.Generator(3))
    crop = RandomCrop(4, generator=tt.Generator(4))
    return (
        DataLoader(part, 4, shuffle=True, generator=tt.Generator(5)),
        DataLoader(images(crop), 8, shuffle=True, generator=tt.Generator(6)),
    )


def trainer(*callbacks):
    tt.manual_seed(1)
    net = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.Dropout(0.2), nn.Linear(8, 2))
    return Trainer(net, tt.optim.SGD(net.parameters(), lr=0.3), F.cross_entropy, callbacks=callbacks)


def fit(made):
    learned, tested = both()
    made.fit(learned, 4, tested)
    return made


def weights(made):
    return [parameter.tolist() for parameter in made.model.parameters()]


@pytest.mark.parametrize("step", [2, 4, 7])
def test_a_run_whose_batches_have_generators_goes_on_to_the_same_bits(tmp_path, step):
    whole = fit(trainer())
    stopped = fit(trainer(StopAt(step)))
    stopped.should_stop = False
    stopped.save_checkpoint(tmp_path / "run.npz")
    resumed = trainer()
    tt.manual_seed(99)
    resumed.load_checkpoint(tmp_path / "run.npz")
    fit(resumed)
    assert weights(resumed) == weights(whole)
    assert resumed.history == whole.history


def test_a_run_that_was_resumed_but_not_continued_is_saved_as_it_was(tmp_path):
    first, second = trainer(StopAt(6)), trainer()
    first.fit(both()[0], 4)
    first.save_checkpoint(tmp_path / "first.npz")
    second.load_checkpoint(tmp_path / "first.npz")
    second.save_checkpoint(tmp_path / "second.npz")
    assert (tmp_path / "second.npz").read_bytes() == (tmp_path / "first.npz").read_bytes()


@pytest.mark.parametrize("step", [4, 6])
def test_batches_with_fewer_generators_than_the_checkpoints_are_refused(tmp_path, step):
    stopped, resumed = trainer(StopAt(step)), trainer()
    stopped.fit(both()[0], 4)
    stopped.should_stop = False
    stopped.save_checkpoint(tmp_path / "run.npz")
    resumed.load_checkpoint(tmp_path / "run.npz")
    with pytest.raises(ValueError, match="the run has batches with 3 generators of their own, here are 0"):
        resumed.fit(DataLoader(images(RandomCrop(4)), 4), 4)


def test_a_later_epoch_may_have_other_batches():
    made = trainer()
    made.fit(both()[0], 1)
    assert len(made.fit(DataLoader(images(RandomCrop(4)), 4), 2)) == 2


def test_a_state_that_is_none_is_refused(tmp_path):
    made = trainer()
    made.fit(both()[0], 1)
    made.streams.get_state = lambda: [tt.Generator(0).get_state(), {"state": "x"}]
    made.save_checkpoint(tmp_path / "run.npz")
    with pytest.raises(CheckpointError, match="states of random generators"):
        trainer().load_checkpoint(tmp_path / "run.npz")


def test_generators_are_found_each_once_and_in_order():
    one, two, three = (tt.Generator(seed) for seed in (1, 2, 3))
    crops = Compose([RandomCrop(4, generator=two), RandomCrop(3, generator=one), RandomCrop(2, generator=three)])
    loader = DataLoader(Subset(images(crops), [0, 1]), generator=one)
    assert generators_of(loader, loader) == [one, two, three]


def test_what_is_no_loader_has_no_generators():
    assert generators_of([(tt.ones(2), tt.ones(2))], None, iter([])) == []


def test_the_processs_generator_is_none_of_the_batches_own():
    assert generators_of(DataLoader([1], generator=default_generator)) == []
