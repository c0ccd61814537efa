"""Stored runs compared, on clocks that are made up: equals stay equal, what became slower is found."""

from dataclasses import replace

import pytest
from clocks_for_tests import Clock, run_of

from tinytorch_bench import CompareError, compare

UNSEEN = 20_000  # the first seed; thresholds were chosen while looking at others
NOISES = {
    "usual": {},
    "still": {"jitter": 0.003, "drift": 0.0, "wander": 0.0, "spikes": 0.0},
    "drifting": {"drift": 2.0},
    "interrupted": {"spikes": 0.1},
    "changing": {"wander": 0.2},
    "terrible": {"jitter": 0.15, "wander": 0.3, "spikes": 0.2},
}


def verdicts(slower, first, **noise):
    """What 100 comparisons of two runs, each of a day of its own, show."""
    pairs = [(Clock(seed, **noise), Clock(seed + 1, **noise)) for seed in range(first, first + 200, 2)]
    return [
        compare(run_of(before, m=1e-3), run_of(after, m=slower * 1e-3)).changes[0].verdict for before, after in pairs
    ]


@pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES)
def test_a_thing_beside_itself_shows_no_difference_in_95_of_100_runs(noise):
    assert verdicts(1.0, UNSEEN, **noise).count("no difference shown") >= 95


@pytest.mark.parametrize("noise", [NOISES["usual"], NOISES["still"], NOISES["drifting"]])
@pytest.mark.parametrize(("slower", "told"), [(1.05, "slower"), (1 / 1.05, "faster")])
def test_a_change_of_5_percent_is_found_in_90_of_100_runs(slower, told, noise):
    assert verdicts(slower, UNSEEN + 1000, **noise).count(told) >= 90


def test_what_noise_hides_is_said_to_be_unsure():
    noise = NOISES["terrible"]
    found = compare(run_of(Clock(1, **noise), m=1e-3), run_of(Clock(2, **noise), m=1.05e-3))
    assert found.changes[0].unsure
    assert "m on data: too noisy to judge, up to +" in found.remarks[-1]
    assert not found.failed


def test_a_large_change_is_found_where_the_machine_changes():
    assert verdicts(4.0, UNSEEN + 2000, wander=0.2, spikes=0.0).count("slower") >= 95


def test_five_runs_of_each_in_turn_are_right_where_days_differ():
    """The model alone, not the yardstick, is slower on some days: no single run can see that."""

    def days(seed, slower):
        return [run_of(Clock(day), m=slower * (1.15 if day % 3 else 1.0) * 1e-3) for day in range(seed, seed + 5)]

    equal = [compare(days(10 * seed, 1.0), days(10 * seed + 5, 1.0)).changes[0] for seed in range(3000, 3100)]
    slow = [compare(days(10 * seed, 1.0), days(10 * seed + 5, 1.5)).changes[0] for seed in range(4000, 4020)]
    assert [change.verdict for change in equal].count("no difference shown") >= 95
    assert [change.verdict for change in slow].count("slower") >= 18


def test_a_regression_is_shown_and_above_the_limit():
    before, after = run_of(Clock(1), m=1e-3, n=1e-3), run_of(Clock(2), m=1.2e-3, n=1e-3)
    found = compare(before, after, fail_above=0.1)
    assert [bool(change.regressions) for change in found.changes] == [True, False]
    assert found.failed
    assert not compare(before, after, fail_above=0.3).failed
    assert not compare(after, before).failed  # faster is no regression


def test_what_is_larger_is_a_regression_too():
    before = run_of(Clock(1), m=1e-3)
    after = replace(before, rows=[replace(before.rows[0], bytes=120)])
    assert compare(before, after, 0.1).changes[0].regressions == ["size 100 to 120 bytes, above 10 %"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"machine": {"threads": 2}}, "the runs cannot be compared: threads 1 and 2"),
        ({"machine": {"processor": "another"}}, "the runs cannot be compared: processor made up and another"),
        ({"settings": {"batch": 8}}, "the runs cannot be compared: batch 1 and 8"),
        ({"yardstick": {"version": 2}}, "the runs cannot be compared: yardstick 1 and 2"),
    ],
)
def test_what_would_say_nothing_is_refused(change, sentence):
    run = run_of(Clock(1), m=1e-3)
    other = replace(run, **{name: {**getattr(run, name), **value} for name, value in change.items()})
    with pytest.raises(CompareError, match=sentence):
        compare(run, other)


def test_runs_of_other_models_are_refused():
    with pytest.raises(CompareError, match="no model and dataset in common"):
        compare(run_of(Clock(1), m=1e-3), run_of(Clock(1), n=1e-3))


def test_two_runs_of_each_are_too_few():
    run = run_of(Clock(1), m=1e-3)
    with pytest.raises(CompareError, match="expected one run of each, or 4 or more of each, got 2 and 2"):
        compare([run, run], [run, run])


def test_a_limit_below_nothing_is_refused():
    run = run_of(Clock(1), m=1e-3)
    with pytest.raises(CompareError, match=r"expected a limit of 0 or more, got -0\.1"):
        compare(run, run, -0.1)
    with pytest.raises(CompareError, match="expected a limit of 0 or more, got '5%'"):
        compare(run, run, "5%")


def test_what_else_differs_is_told():
    run = run_of(Clock(1), m=1e-3, n=1e-3)
    machine = {
        **run.machine,
        "numpy": "3.0.0",
        "plugins": [{"name": "accel", "version": "1", "options": {}, "ops": {}}],
    }
    other = replace(run, machine=machine, rows=run.rows[:1], warnings=["it hums"])
    found = compare(run, other)
    assert (found.missing, found.failed) == ([("n", "data")], True)
    assert "n on data is new" in compare(other, run).remarks
    assert not compare(other, run).missing
    assert found.remarks == [
        "numpy changed: 2.4.6 and 3.0.0",
        "plugins changed: none and accel",
        "later: it hums",
    ]


def test_a_metric_that_is_no_number_any_more_is_a_regression():
    run = run_of(Clock(1), m=1e-3)
    rows = [[replace(row, metrics={"accuracy": value}) for row in run.rows] for value in (0.9, None)]
    before, after = (replace(run, rows=each) for each in rows)
    assert compare(before, after).changes[0].regressions == ["accuracy is no number any more"]
    assert not compare(after, before).failed
