"""`Benchmark` measures quality over whole datasets and times in turn, and tells what makes them doubtful."""

import pytest
from clocks_for_tests import Clock, timing

from tinytorch import datasets, manual_seed, models, nn, zeros
from tinytorch.core.dataloader import TensorDataset
from tinytorch_bench import Benchmark, benchmark, noise
from tinytorch_bench.models import nbytes, parameters
from tinytorch_bench.timing import Timing

QUICK = Timing(rounds=10, seconds=0.0)


@pytest.fixture(autouse=True)
def _quiet_machine(monkeypatch):
    monkeypatch.setattr(noise, "warnings", lambda clock: [])
    monkeypatch.setattr(benchmark.machine, "thread_warnings", lambda threads: [])


@pytest.fixture
def digits():
    return {"digits": datasets.digits()[1]}


class Sleeping(nn.Module):
    """Takes so long by a clock that is made up."""

    def __init__(self, work):
        super().__init__()
        self.work, self.modes = work, []

    def forward(self, x):
        self.modes.append((self.training, x.requires_grad, x.shape))
        self.work()
        return x.reshape(x.shape[0], -1)[:, :10]


def sleeping(clock, seconds):
    return Sleeping(clock.work(seconds))


def test_quality_is_the_mean_over_all_rows(digits):
    manual_seed(0)
    net = models.mlp(64, 16, 10)
    inputs, targets = digits["digits"].tensors
    right = float((net(inputs).argmax(1) == targets).float().mean())
    found = Benchmark({"mlp": net}, digits).run(QUICK)
    assert found.row("mlp").metrics["accuracy"] == pytest.approx(right)


def test_metrics_are_the_persons(digits):
    def largest(outputs, targets):
        return float(outputs.max())

    def broken(outputs, targets):
        return float("inf")

    found = Benchmark({"mlp": models.mlp(64, 10)}, digits, {"largest": largest, "broken": broken}).run(QUICK)
    assert found.row("mlp").metrics["largest"] > 0
    assert found.row("mlp").metrics["broken"] is None  # JSON has no infinity


def test_models_are_timed_in_evaluation_and_left_as_they_were(digits):
    clock = Clock(3, jitter=0.0, drift=0.0, wander=0.0, spikes=0.0)
    slow, fast = sleeping(clock, 4e-3), sleeping(clock, 1e-3)
    fast.eval()
    found = Benchmark({"slow": slow, "fast": fast}, digits).run(timing(clock, 10), batch=4)
    assert found.ratio("slow", "fast").median == pytest.approx(4.0)
    assert {(mode, grad) for mode, grad, _ in slow.modes} == {(False, False)}
    assert slow.modes[-1][2] == (4, 1, 8, 8)
    assert (slow.training, fast.training) == (True, False)


def test_a_model_that_becomes_slower_is_told(digits):
    clock = Clock(3, jitter=0.01, drift=0.0, wander=0.0, spikes=0.0)
    model = sleeping(clock, 1e-3)
    steady, calls = model.work, []

    def work():
        calls.append(1)
        steady()
        clock.now += 5e-5 * len(calls)

    model.work = work
    told = Benchmark({"m": model}, digits).run(timing(clock, 40, seconds=0.0)).warnings
    assert [each for each in told if each.startswith("m on digits: its time changed by +")]


def test_times_far_from_the_others_are_named_and_kept(digits):
    clock = Clock(3, jitter=0.01, drift=0.0, wander=0.0, spikes=0.0)
    model = sleeping(clock, 1e-3)
    steady, calls = model.work, []

    def work():
        calls.append(1)
        steady()
        clock.now += 0.05 if len(calls) == 40 else 0.0

    model.work = work
    found = Benchmark({"m": model}, digits).run(timing(clock, 40, seconds=0.0))
    (place,) = found.row("m").outliers
    assert found.row("m").seconds[place] > 0.05
    assert found.warnings == [
        f"m on digits: the times of rounds {place + 1} are far from the others; they count like all"
    ]


def test_a_drifting_machine_is_told(digits):
    clock = Clock(4, jitter=0.01, drift=0.0, wander=0.0, spikes=0.0)
    clock.trend = 2.0
    told = Benchmark({"m": sleeping(clock, 1e-3)}, digits).run(timing(clock, 40)).warnings
    assert [each for each in told if each.startswith("the machine drifted: a fixed loop's time changed by +")]


def test_a_quiet_machine_is_told_nothing_of(digits):
    clock = Clock(5, jitter=0.005, drift=0.0, wander=0.0, spikes=0.0)
    found = Benchmark({"m": sleeping(clock, 1e-3)}, digits).run(timing(clock, 40))
    assert (found.warnings, found.row("m").outliers) == ([], [])


def test_bytes_are_those_of_the_state_each_memory_once():
    gpt = models.GPT(10, max_length=8, layers=1, heads=1, width=4)  # its first and last layer share a table
    assert nbytes(gpt) == 4 * parameters(gpt)
    assert nbytes(nn.BatchNorm1d(3)) == 4 * 12 + 8


@pytest.mark.parametrize(
    ("models_given", "datasets_given", "sentence"),
    [
        ({}, {"d": TensorDataset}, "expected models by name, one or more, got {}"),
        ([nn.Linear(1, 1)], {}, "expected models by name"),
        ({"m": nn.Linear(1, 1)}, {}, "expected datasets by name, one or more, got {}"),
        ({"m": print}, {}, "expected models by name, got builtin_function_or_method for 'm'"),
        ({"": nn.Linear(1, 1)}, {}, "expected models by name, got Linear for ''"),
        (
            {"m": nn.Linear(1, 1)},
            {"d": TensorDataset(zeros(0, 1), zeros(0))},
            "expected datasets with a row or more, got none in 'd'",
        ),
        ({"m": nn.Linear(1, 1)}, {"d": [1]}, "expected datasets by name, got list for 'd'"),
    ],
)
def test_what_cannot_be_measured_is_refused(models_given, datasets_given, sentence):
    with pytest.raises(ValueError, match="Benchmark: ") as raised:
        Benchmark(models_given, datasets_given)
    assert sentence in str(raised.value)


@pytest.mark.parametrize("batch", [0, 360, 1.5])
def test_a_batch_that_is_not_there_is_refused(digits, batch):
    with pytest.raises(ValueError, match="expected a batch of 1 to 359 rows, which all datasets have, got "):
        Benchmark({"mlp": models.mlp(64, 10)}, digits).run(QUICK, batch=batch)


def test_metrics_without_names_are_refused(digits):
    with pytest.raises(ValueError, match=r"Benchmark: expected metrics by name, got \['accuracy'\]"):
        Benchmark({"mlp": models.mlp(64, 10)}, digits, ["accuracy"])
