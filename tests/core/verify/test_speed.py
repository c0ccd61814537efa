"""Speed: what times say is right for made-up times, and a difference that nobody can miss is found."""

import re
import time
from functools import wraps
from types import SimpleNamespace

import numpy as np
import pytest
from plugins_for_tests import answering, asked
from sabotage import Sabotage, before

from tinytorch import plugins
from tinytorch.plugins import registry
from tinytorch.testing import conduct
from tinytorch.testing.arguments import arrays_in
from tinytorch.testing.plugins import make
from tinytorch.testing.table import OP_CASES
from tinytorch.verify import speed, timing
from tinytorch.verify.report import Plan
from tinytorch.verify.speed import Pace, large_input, rows, told
from tinytorch.verify.timing import Side, interleaved, median, ratio, verdict

SLEEPING = before(lambda x: time.sleep(0.01))


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(speed, "QUICK_SECONDS", 0.2)


def noisy(size=31):
    return 1e-3 * np.random.default_rng(0).lognormal(0.0, 0.1, size)


def test_a_side_that_takes_half_the_time_is_faster():
    core = noisy()
    found = ratio(core[::-1] / 2, core, seed=0)
    assert found.low < 0.5 < found.high < 0.6
    assert verdict(core[::-1] / 2, core, 110) == "faster"


def test_a_side_that_takes_twice_the_time_is_slower():
    assert verdict(noisy()[::-1] * 2, noisy(), 110) == "slower"


def test_equals_show_no_difference():
    found = ratio(noisy()[::-1], noisy(), seed=0)
    assert found.low < 1 < found.high
    assert verdict(noisy()[::-1], noisy(), 1) == "no difference shown"


@pytest.mark.parametrize(("times", "word"), [(0.99, "no difference shown"), (0.97, "faster"), (1.03, "slower")])
def test_what_is_less_than_2_per_cent_is_no_difference(times, word):
    assert verdict(noisy() * times, noisy(), 110) == word


def test_the_more_is_compared_the_more_rounds_must_agree():
    ratios = np.where(np.arange(17) < 14, 0.5, 1.5)  # 834 of 131072 tosses of 17 coins give 14 heads or more
    assert [verdict(ratios, np.ones(17), count) for count in (1, 3, 4)] == ["faster", "faster", "no difference shown"]


def test_rounds_that_could_never_agree_enough_tell_nothing():
    halves = np.full(timing.FEWEST, 0.5)
    assert [verdict(halves, 2 * halves, count) for count in (50, 60)] == ["faster", "too few rounds to tell"]


@pytest.mark.parametrize("rounds", [speed.QUICK_ROUNDS, speed.ROUNDS])
def test_of_a_hundred_reports_on_equals_ninety_five_name_none_and_a_fifth_is_found_in_ninety(rounds):
    rng = np.random.default_rng(0)
    clean, found = 0, 0
    for _ in range(100):
        mine, core = rng.lognormal(0.0, 0.05, (2, 110, rounds))
        clean += {verdict(*pair, 110) for pair in zip(mine, core, strict=True)} == {"no difference shown"}
        found += verdict(0.8 * mine[0], core[0], 110) == "faster"
    assert clean >= 95
    assert found >= 90


def test_ninety_five_intervals_of_a_hundred_hold_the_median():
    rng = np.random.default_rng(0)
    found = [median(rng.exponential(size=31), seed=0) for _ in range(200)]
    assert 0.9 < np.mean([each.low < np.log(2) < each.high for each in found]) < 0.99


def test_a_seed_gives_the_same_interval():
    assert median(noisy(999), seed=1) == median(noisy(999), seed=1) != median(noisy(999), seed=2)


def test_what_slows_a_whole_round_down_changes_nothing():
    core = noisy()
    slow = np.where(np.arange(len(core)) % 3, 1, 10)
    assert ratio(core[::-1] / 2 * slow, core * slow, seed=0) == ratio(core[::-1] / 2, core, seed=0)


def test_the_text_has_ratio_interval_verdict_and_times():
    core = np.full(9, 2e-3)
    assert told(core / 4, core, Pace(9, 1.0, 0)) == "0.25x (0.25-0.25), faster: 500 µs, the core 2 ms"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1.234e-6, "1.23 µs"), (9.994e-4, "999 µs"), (9.996e-4, "1 ms"), (0.02, "20 ms"), (3.0, "3 s")],
)
def test_times_are_told_in_a_unit_that_fits(seconds, text):
    assert speed._time(seconds) == text


def test_every_round_asks_every_side_in_an_order_of_its_own():
    asked = []
    seconds = interleaved([Side(lambda: asked.append("a")), Side(lambda: asked.append("b"))], 20, 0.0, seed=0)
    assert seconds.shape == (2, timing.FEWEST)
    in_rounds = asked[4:]  # after each side's two calls to begin with
    pairs = {tuple(in_rounds[i : i + 2]) for i in range(0, len(in_rounds), 2)}
    assert pairs == {("a", "b"), ("b", "a")}


def test_each_side_has_its_own_plugins():
    plugins.register(SimpleNamespace(add=answering(7)), "seven")
    seen = []
    sides = [Side(lambda: seen.append(asked()), ("seven",)), Side(lambda: seen.append(asked()))]
    interleaved(sides, 1, 0.0, seed=0)
    assert seen[:4] == [7, 7, 2, 2]


def found_for(plugin, *ops):
    plugins.register(plugin, "mine")
    return {row.name.removesuffix(" with mine"): row for row in rows(Plan(("mine",), ops=ops, quick=True))}


def test_a_core_that_sleeps_is_slower_than_a_plugin_that_does_not(monkeypatch):
    op = registry.find("relu")
    plugin = Sabotage("", "relu", lambda kernel: kernel, "").plugin()
    monkeypatch.setattr(op, "kernel", wraps(op.kernel)(SLEEPING(op.kernel)))
    row = found_for(plugin, "relu")["relu"]
    assert row.outcome == "measured"
    assert re.match(r"0\.\d\dx \(0\.\d\d-0\.\d\d\), faster: ", row.detail)


def test_a_plugin_that_sleeps_is_slower():
    row = found_for(Sabotage("", "relu", SLEEPING, "").plugin(), "relu")["relu"]
    assert ", slower: " in row.detail


def test_only_the_ops_of_the_plan_are_timed_and_the_steps():
    found = found_for(make("loopback"), "relu", "sgd_step")
    assert [*found] == ["relu", "sgd_step", *speed.STEPS]
    assert {row.outcome for row in found.values()} == {"measured"}


def test_an_op_that_raises_fails():
    found = found_for(make("raiser"), "exp")
    assert found["exp"].outcome == "failed"
    assert found["exp"].detail == "raises ArithmeticError: exp of the raiser"


@pytest.mark.parametrize("op", ["relu", "sgd_step"])
def test_the_core_is_timed_without_the_plugin(monkeypatch, op):
    monkeypatch.setattr(speed, "_against", lambda mine, core, pace: f"{mine.selection} {core.selection}")
    for row in found_for(make("loopback"), op).values():
        assert row.detail == "('mine',) ()"


def test_without_plugins_the_steps_are_timed():
    found = list(rows(Plan((), quick=True)))
    assert [row.name for row in found] == [*speed.STEPS]
    assert all(re.match(r"[\d.]+ (µs|ms) \([\d.]+ (µs|ms)-[\d.]+ (µs|ms)\)$", row.detail) for row in found)


def test_the_time_is_shared_among_ops_and_a_full_plan_has_more_of_it():
    quick, full = (speed._pace(Plan((), quick=quick), 192, 2) for quick in (True, False))
    assert quick.rounds < full.rounds
    assert quick.seconds == pytest.approx(0.2 / 200)
    assert quick.comparisons == 194
    assert speed._pace(Plan(()), 1, 0).seconds == speed.LONGEST


@pytest.mark.parametrize("case", OP_CASES, ids=str)
def test_large_inputs_are_drawn_of_every_op_the_same_each_time(case):
    first, second = large_input(case, 0), large_input(case, 0)
    arrays = arrays_in(first)
    assert sum(each.size for each in arrays) > 16
    assert not conduct.unequal(arrays, arrays_in(second))
