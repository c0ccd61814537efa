"""Journeys: whole trainings are the core's, or the row says how they are not."""

import math
from dataclasses import replace

import pytest
from sabotage import SABOTAGES, Sabotage, always, changed, slightly

import tinytorch as tt
from tinytorch import plugins
from tinytorch.core.optimizers import Adam
from tinytorch.plugins import close
from tinytorch.testing.plugins import make
from tinytorch.verify import journeys
from tinytorch.verify.journeys import JOURNEYS, Outcome, largest_difference, rows
from tinytorch.verify.report import Plan
from tinytorch.verify.selections import DRIFT, GROWTH, tolerance


def only(monkeypatch, *names):
    monkeypatch.setattr(journeys, "JOURNEYS", [each for each in JOURNEYS if any(name in each.name for name in names)])


def with_sabotage(sabotage):
    plugins.register(sabotage.plugin(), "sabotage")
    return {row.name.removesuffix(" with sabotage"): row for row in rows(Plan(("sabotage",)))}


def named(name):
    return next(each for each in SABOTAGES if each.name == name)


def test_under_loopback_every_journey_is_the_cores_bit_for_bit():
    plugins.register(make("loopback"), "loopback")
    found = list(rows(Plan(("loopback",))))
    assert [row.name for row in found] == [f"{journey.name} with loopback" for journey in JOURNEYS]
    assert {(row.outcome, row.difference) for row in found} == {("passed", 0.0)}
    assert found[1].detail == "80 losses, 359 predictions"
    assert found[-1].detail == "36 losses, 62 tokens"


@pytest.mark.parametrize("name", ["liar", "raiser"])
def test_no_journey_passes_under_a_plugin_that_is_all_wrong(name):
    plugins.register(make(name), name)
    assert {row.outcome for row in rows(Plan((name,)))} == {"failed"}


def test_a_plugin_that_raises_fails_in_its_own_words(monkeypatch):
    only(monkeypatch, "XOR")
    plugins.register(make("raiser"), "raiser")
    (row,) = rows(Plan(("raiser",)))
    assert row.detail.startswith("raises ArithmeticError: ")


def test_a_wrong_backward_fails_the_journey_that_takes_it_and_no_other(monkeypatch):
    only(monkeypatch, "XOR", "GPT")
    found = with_sabotage(named("wrong in the backward alone"))
    assert found["XOR by an MLP"].outcome == "passed"
    assert found["text by a GPT"].outcome == "failed"
    assert found["text by a GPT"].difference > 0
    assert "bit for bit is declared; first at step " in found["text by a GPT"].detail


def test_an_optimizer_that_takes_no_step_fails_its_own_journeys(monkeypatch):
    only(monkeypatch, "regression")
    found = with_sabotage(named("takes no step"))
    assert [name for name, row in found.items() if row.outcome == "failed"] == [
        "regression by SGD",
        "regression by SGD with Nesterov's momentum",
    ]


def test_a_plugin_that_warns_fails(monkeypatch):
    only(monkeypatch, "XOR")
    found = with_sabotage(replace(named("warns"), op="relu"))
    assert found["XOR by an MLP"].detail == "warns: this is slow"


def nearly(rtol):
    return Sabotage(
        "rounds otherwise",
        "linear",
        changed(always, lambda out: out * out.dtype.type(1 + 3e-7)),
        "",
        declare=close(rtol=rtol),
    )


def test_what_is_declared_close_may_be_as_far_as_declared(monkeypatch):
    only(monkeypatch, "digits")
    for row in with_sabotage(nearly(1e-6)).values():
        assert row.outcome == "passed"
        assert 0 < row.difference < tolerance(("sabotage",)) == DRIFT + GROWTH * 1e-6


def test_the_same_numbers_fail_where_exactness_is_declared(monkeypatch):
    only(monkeypatch, "digits by an MLP")
    (row,) = with_sabotage(nearly(0.0)).values()
    assert row.outcome == "failed"


def test_nothing_counts_as_declared_beyond_the_contract(monkeypatch):
    only(monkeypatch, "digits by an MLP")
    (row,) = with_sabotage(Sabotage("", "linear", changed(always, slightly), "", declare=close(rtol=1.0))).values()
    assert row.outcome == "failed"
    assert tolerance(("sabotage",)) < 0.01


def test_every_selection_has_a_row(monkeypatch):
    only(monkeypatch, "XOR")
    for name in ("loopback", "decliner"):
        plugins.register(make(name), name)
    names = [row.name.removeprefix("XOR by an MLP with ") for row in rows(Plan(("loopback", "decliner")))]
    assert names == ["loopback", "decliner", "loopback + decliner"]


def test_without_plugins_the_core_must_have_learned_the_same_twice():
    found = list(rows(Plan(())))
    assert [row.name for row in found] == [journey.name for journey in JOURNEYS]
    assert {row.outcome for row in found} == {"passed"}
    assert found[0].detail.startswith("the core alone, the same twice: loss 0.7")


@pytest.mark.parametrize("names", [(), ("loopback",)])
def test_a_core_that_learns_nothing_fails(monkeypatch, names):
    only(monkeypatch, "XOR", "digits by an MLP", "by Adam")
    plugins.register(make("loopback"), "loopback")
    monkeypatch.setattr(Adam, "step_group", lambda self, group, params: None)
    found = list(rows(Plan(names)))
    assert {row.outcome for row in found} == {"failed"}
    assert all("learned nothing" in row.detail for row in found)


def test_a_core_that_is_another_the_second_time_fails(monkeypatch):
    only(monkeypatch, "XOR")
    monkeypatch.setattr(journeys, "seeded", lambda make, seed, act: act(make()))
    (row,) = rows(Plan(()))
    assert row.detail == "gives something else when it is taken again"


@pytest.mark.parametrize(
    ("mine", "told"),
    [
        (Outcome([1.0], [1, 2], [3]), []),
        (Outcome([1.0], [1, 3], [3]), ["1 of 2 predictions differ"]),
        (Outcome([1.0], [1, 2], [4]), ["1 of 1 tokens differ"]),
    ],
)
def test_predictions_and_tokens_must_be_the_same_however_close_the_losses(mine, told):
    assert journeys._differences(mine, Outcome([1.0], [1, 2], [3]), apart=0.0, limit=0.1) == told


def test_losses_that_are_not_finite_are_as_far_as_can_be():
    assert largest_difference([1.0, math.nan], [1.0, 1.0]) == math.inf
    assert largest_difference([1.0, 2.1], [1.0, 2.0]) == pytest.approx(0.05)


def test_the_process_goes_on_drawing_as_if_no_journey_had_been_taken(monkeypatch):
    only(monkeypatch, "CNN")
    tt.manual_seed(3)
    expected = tt.rand(4).tolist()
    tt.manual_seed(3)
    list(rows(Plan(())))
    assert tt.rand(4).tolist() == expected
