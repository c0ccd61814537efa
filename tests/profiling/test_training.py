"""While the plugin is enabled, some steps of every training are profiled, and told once."""

import pytest

import tinytorch as tt
from tinytorch import nn, plugins
from tinytorch.core.training import Callback, Trainer
from tinytorch.plugins.instruments import watching
from tinytorch.plugins.process import process
from tinytorch_profiling import plugin, profile, training

NAME = "profiling-for-test"


@pytest.fixture(autouse=True)
def registered():
    before = training.steps
    plugins.register(plugin, NAME)
    yield
    plugins.unregister(NAME)
    training.steps = before
    training.sections()


class Logarithm(nn.Module):
    def __init__(self, weight):
        super().__init__()
        self.weight = weight

    def forward(self, x):
        return (self.weight * x).log()


def fit(steps):
    model = nn.Linear(3, 1)
    batch = tt.ones(4, 3), tt.ones(4, 1)
    trainer = Trainer(model, tt.optim.SGD(model.parameters(), lr=0.01), nn.functional.mse_loss, metric=None)
    trainer.fit([batch] * steps, 1)


def calls(sections):
    """How often an optimizer stepped, as the first table tells it."""
    (line,) = [line for line in sections[0][1].splitlines() if line.strip().startswith("sgd_step")]
    return int(line.split()[1])


def test_steps_after_the_warm_up_are_told_once():
    with plugins.using(NAME):
        fit(training.WARM_UP + 4)
        (sections,) = plugins.hook().report_sections()
        assert [title for title, _ in sections] == ["time of 4 steps by op", "time of 4 steps by phase"]
        assert calls(sections) == 4
        assert plugins.hook().report_sections() == [[]]


def test_no_more_steps_than_asked_for_are_recorded():
    with plugins.using(NAME):
        training.configure({"steps": 3})
        fit(training.WARM_UP + 9)
        assert calls(plugins.hook().report_sections()[0]) == 3
    assert process.state.watched == []


def test_a_training_inside_a_profile_is_left_to_it():
    with plugins.using(NAME), profile():
        fit(training.WARM_UP + 2)
        assert training.sections() == []


def test_none_are_recorded_if_so_configured():
    with plugins.using(NAME):
        training.configure({"steps": 0})
        fit(training.WARM_UP + 2)
        assert training.sections() == []
    with pytest.raises(ValueError, match=r"\[profiling\] steps: expected 0 or more, got -1"):
        training.configure({"steps": -1})


def test_the_first_nan_is_found_also_after_the_steps_that_are_recorded():
    weight = nn.Parameter(tt.ones(1))
    batches = [(tt.ones(1), tt.ones(1))] * 8 + [(tt.zeros(1), tt.ones(1))]
    model = nn.Sequential(Logarithm(weight))
    with plugins.using(NAME):
        training.configure({"steps": 1})
        trainer = Trainer(
            model, tt.optim.SGD([weight], lr=0.0), nn.functional.mse_loss, metric=None, detect_anomaly=True
        )
        with pytest.raises(FloatingPointError):
            trainer.fit(batches, 1)
    assert watching() == ()


def test_a_plugin_that_is_disabled_meanwhile_leaves_nothing_open():
    class Disabling(Callback):
        def on_step_end(self, trainer):
            plugins.disable(NAME)

    plugins.enable(NAME)
    model = nn.Linear(3, 1)
    optimizer = tt.optim.SGD(model.parameters(), lr=0.01)
    trainer = Trainer(model, optimizer, nn.functional.mse_loss, metric=None, callbacks=[Disabling()])
    trainer.fit([(tt.ones(4, 3), tt.ones(4, 1))] * 3, 1)
    assert watching() == ()
    assert training._open == {}


def test_a_training_that_fails_leaves_no_profile_open():
    with plugins.using(NAME), pytest.raises(ValueError, match="no batches"):
        fit(0)
    assert process.state.watched == []
