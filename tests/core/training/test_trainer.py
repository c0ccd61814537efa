"""Trainer: steps, callbacks, stopping, and going on from a checkpoint in the middle of an epoch."""

import inspect
import math

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import nn
from tinytorch.core.training import Callback, EarlyStopping, Trainer, accuracy
from tinytorch.nn import functional as F
from tinytorch.optim import SGD, Adam
from tinytorch.optim.lr_scheduler import StepLR
from tinytorch.utils.data import DataLoader, TensorDataset

INPUTS = tt.tensor(np.random.default_rng(0).standard_normal((24, 5)).astype("float32"))
TARGETS = (INPUTS.sum(1) > 0).long()


def batches(size=4, shuffle=False):
    return DataLoader(TensorDataset(INPUTS, TARGETS), batch_size=size, shuffle=shuffle)


def model():
    tt.manual_seed(1)
    return nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 2))


def trainer(net=None, lr=0.5, **options):
    net = net or model()
    return Trainer(net, SGD(net.parameters(), lr=lr, momentum=0.5), F.cross_entropy, **options)


def weights(made):
    return [parameter.tolist() for parameter in made.model.parameters()]


class Diary(Callback):
    """Writes down what happens."""

    def __init__(self):
        self.entries = []

    def on_train_start(self, trainer):
        self.entries.append("start")

    def on_epoch_start(self, trainer):
        self.entries.append("epoch")

    def on_step_end(self, trainer):
        self.entries.append(trainer.step)

    def on_epoch_end(self, trainer):
        self.entries.append("done")

    def on_train_end(self, trainer):
        self.entries.append("end")


class StopAt(Callback):
    """Stops after so many steps, as a person does."""

    def __init__(self, step):
        self.step = step

    def on_step_end(self, trainer):
        trainer.should_stop = trainer.step == self.step


class Unsized:
    """Batches that do not say how many they are."""

    def __init__(self, batches):
        self.batches = batches

    def __iter__(self):
        return iter(self.batches)


def test_a_model_learns_what_can_be_learned():
    made = trainer()
    history = made.fit(batches(shuffle=True), 30)
    assert history[-1]["loss"] < history[0]["loss"] / 2
    assert made.evaluate(batches())["accuracy"] >= 0.9


def test_history_has_an_entry_for_each_epoch():
    history = trainer().fit(batches(), 2, validation=batches())
    assert [entry["epoch"] for entry in history] == [1.0, 2.0]
    assert set(history[0]) == {"epoch", "loss", "accuracy", "lr", "validation_loss", "validation_accuracy"}


@pytest.mark.parametrize("sized", [True, False])
@pytest.mark.parametrize("accumulate", [3, 5, 7, 50])
def test_accumulated_batches_are_one_large_batch(accumulate, sized):
    """24 rows by twos: 5 and 7 leave a smaller group at the end, 50 has no other."""
    small, large = trainer(model().eval(), accumulate=accumulate), trainer(model().eval())
    small.model.train, large.model.train = lambda mode=True: None, lambda mode=True: None  # no dropout
    small.fit(batches(2) if sized else Unsized(batches(2)), 3)
    large.fit(batches(2 * accumulate), 3)
    assert np.allclose(small.history[-1]["loss"], large.history[-1]["loss"], atol=1e-5)
    for one, other in zip(weights(small), weights(large), strict=True):
        assert np.allclose(one, other, atol=1e-5)


def test_the_last_smaller_group_of_batches_makes_a_step_too():
    counting = trainer(accumulate=5)
    steps = []
    counting.optimizer.step = lambda: steps.append(counting.step)
    counting.fit(batches(2), 1)
    assert steps == [5, 10, 12]


def test_clipping_bounds_the_gradient_of_every_step():
    made, norms = trainer(clip_norm=0.1), []
    step = made.optimizer.step

    def watched():
        grads = [parameter.grad for parameter in made.model.parameters()]
        norms.append(math.sqrt(sum((grad * grad).sum().item() for grad in grads)))
        step()

    made.optimizer.step = watched
    made.fit(batches(), 1)
    assert max(norms) <= 0.1 + 1e-6


def test_callbacks_are_told_in_order():
    diary = Diary()
    trainer(callbacks=[diary]).fit(batches(12), 2)
    assert diary.entries == ["start", "epoch", 1, 2, "done", "epoch", 3, 4, "done", "end"]


def test_callbacks_are_told_the_end_of_a_run_that_fails():
    diary = Diary()
    made = trainer(callbacks=[diary])
    with pytest.raises(ValueError, match="expected batches"):
        made.fit([INPUTS], 1)
    assert diary.entries == ["start", "epoch", "end"]


def test_early_stopping_waits_for_an_improvement():
    stopping = EarlyStopping("loss", patience=2)
    history = trainer(lr=0.0, callbacks=[stopping], metric=None, net=model().eval()).fit(batches(), 50)
    assert len(history) < 50


def test_early_stopping_goes_on_while_it_improves():
    made = trainer(lr=0.05, callbacks=[EarlyStopping("validation_loss", patience=1)])
    assert len(made.fit(batches(), 5, validation=batches())) == 5


def test_training_on_after_early_stopping_is_patient_again():
    made = trainer(lr=0.0, callbacks=[EarlyStopping("loss", patience=2)], net=model().eval())
    made.model.train = lambda mode=True: None  # no dropout: the loss never improves
    assert len(made.fit(batches(), 50)) == 3
    assert len(made.fit(batches(), 50)) == 5
    assert len(made.fit(batches(), 6)) == 6


def test_training_on_after_stopping_in_the_middle_of_an_epoch_misses_no_batch():
    whole = trainer()
    whole.fit(batches(shuffle=True), 2)
    made = trainer(callbacks=[StopAt(4)])
    assert made.fit(batches(shuffle=True), 2) == []
    made.fit(batches(shuffle=True), 2)
    assert weights(made) == weights(whole)


def test_a_run_that_had_stopped_early_is_still_so_when_it_is_resumed(tmp_path):
    def stopping():
        return trainer(lr=0.0, callbacks=[EarlyStopping("lr", patience=2)], checkpoint=tmp_path / "run.npz")

    whole, resumed = stopping(), stopping()
    assert len(whole.fit(batches(), 50)) == 3
    resumed.load_checkpoint(tmp_path / "run.npz")
    assert resumed.fit(batches(), 50) == whole.history
    assert len(resumed.fit(batches(), 50)) == 5


@pytest.mark.parametrize(("mode", "values", "epochs"), [("min", [3, 2, 2, 2, 1], 4), ("max", [1, 2, 3, 2, 1, 4], 5)])
def test_early_stopping_counts_epochs_without_improvement(mode, values, epochs):
    stopping, made = EarlyStopping("score", patience=2, mode=mode), trainer()
    for value in values:
        if not made.should_stop:
            made.history.append({"score": value})
            stopping.on_epoch_end(made)
    assert len(made.history) == epochs


def test_the_schedule_moves_once_an_epoch():
    net = model()
    sgd = SGD(net.parameters(), lr=1.0)
    made = Trainer(net, sgd, F.cross_entropy, scheduler=StepLR(sgd, 1, gamma=0.5))
    assert [entry["lr"] for entry in made.fit(batches(), 3)] == [1.0, 0.5, 0.25]


@pytest.mark.parametrize(("accumulate", "steps"), [(1, 6), (2, 3), (4, 2)])
def test_the_schedule_moves_at_each_step_of_the_optimizer_where_that_is_asked_for(accumulate, steps):
    net = model()
    sgd = SGD(net.parameters(), lr=1.0)
    schedule = StepLR(sgd, 1, gamma=0.5)
    made = Trainer(net, sgd, F.cross_entropy, scheduler=schedule, scheduler_interval="step", accumulate=accumulate)
    made.fit(batches(), 1)
    assert schedule.get_last_lr() == [0.5**steps]


def test_evaluation_leaves_mode_weights_and_gradients_alone():
    made = trainer()
    before = weights(made)
    made.evaluate(batches())
    assert made.model.training
    assert weights(made) == before
    assert all(parameter.grad is None for parameter in made.model.parameters())


def test_evaluation_leaves_each_part_s_own_mode_alone():
    made = trainer()
    frozen = next(iter(made.model.train().children())).eval()
    made.evaluate(batches())
    assert [part for part in made.model.modules() if not part.training] == [frozen]


@pytest.mark.parametrize("ending", ["npz", "safetensors"])
@pytest.mark.parametrize(("step", "accumulate"), [(3, 1), (6, 1), (8, 1), (8, 4)])
def test_a_run_stopped_anywhere_goes_on_to_the_same_bits(tmp_path, ending, step, accumulate):
    if ending == "safetensors":
        pytest.importorskip("safetensors")
    path = tmp_path / f"run.{ending}"
    options = {"accumulate": accumulate, "clip_norm": 1.0}
    whole = trainer(**options)
    whole.fit(batches(shuffle=True), 3)
    stopped = trainer(callbacks=[StopAt(step)], **options)
    stopped.fit(batches(shuffle=True), 3)
    stopped.should_stop = False
    stopped.save_checkpoint(path)
    resumed = trainer(**options)
    tt.manual_seed(99)
    resumed.load_checkpoint(path)
    resumed.fit(batches(shuffle=True), 3)
    assert weights(resumed) == weights(whole)
    assert resumed.history == whole.history


def test_the_same_seed_gives_the_same_bits():
    first, second = trainer(), None
    first.fit(batches(shuffle=True), 2)
    second = trainer()
    second.fit(batches(shuffle=True), 2)
    assert weights(first) == weights(second)


def test_detect_anomaly_names_the_op_and_the_line():
    class Broken(nn.Module):
        """Takes the logarithm of a negative number."""

        def forward(self, x):
            return (x * 0.0 - 1.0).log()

    made = Trainer(Broken(), Adam([nn.Parameter(tt.ones(1))]), F.mse_loss, metric=None, detect_anomaly=True)
    with pytest.raises(FloatingPointError) as raised:
        made.fit([(INPUTS, INPUTS)], 1)
    line = inspect.getsourcelines(Broken.forward)[1] + 1
    assert "log: nan in the result of inputs (24, 5), from finite inputs, at " in str(raised.value)
    assert f"test_trainer.py:{line}" in str(raised.value)


def test_detect_anomaly_tells_that_the_data_brought_it():
    data = INPUTS.clone()
    data[0, 0] = math.nan
    with pytest.raises(FloatingPointError, match=r"linear: nan .* which came in with its inputs"):
        trainer(detect_anomaly=True).fit([(data, TARGETS)], 1)


def test_accuracy_is_the_share_of_right_rows():
    assert accuracy(tt.tensor([[1.0, 0.0], [1.0, 0.0]]), tt.tensor([0, 1])) == 0.5
