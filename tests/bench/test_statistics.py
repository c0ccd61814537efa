"""Ratios of made-up times: what is equal is called equal, what is slower is found."""

import numpy as np
import pytest

from tinytorch_bench.statistics import Ratio, rank, ratio

NOISE = 0.02  # of each burst; besides, a round is up to a third slower than another, for both sides


def bursts(generator, rounds, slower=1.0):
    """Times of two sides, of which the first takes `slower` times as long."""
    drift = 1 + generator.random(rounds) / 3
    mine, other = drift * np.exp(NOISE * generator.standard_normal((2, rounds)))
    return slower * mine, other


@pytest.mark.parametrize("rounds", [6, 9, 15])
def test_a_thing_beside_itself_shows_no_difference_in_95_of_100_runs(rounds):
    generator = np.random.default_rng(0)
    found = [ratio(*bursts(generator, rounds)) for _ in range(2000)]
    assert sum(each.low <= 1 <= each.high for each in found) >= 0.95 * len(found)


def test_a_slow_down_of_5_percent_is_found_in_90_of_100_runs():
    generator = np.random.default_rng(1)
    found = [ratio(*bursts(generator, 9, slower=1.05)).verdict() for _ in range(1000)]
    assert found.count("slower") >= 0.9 * len(found)


def test_one_disturbed_round_moves_nothing_but_the_range():
    times = np.array([1.0, 1.1, 0.9, 1.0, 1.0, 1.0, 1.2, 1.0, 1.0])
    disturbed = times.copy()
    disturbed[3] = 50.0
    assert ratio(disturbed, times) == Ratio(1.0, 1.0, 1.0, 1.0, 50.0)


@pytest.mark.parametrize(("rounds", "expected"), [(6, 1), (8, 1), (9, 2), (12, 3), (15, 4), (20, 6)])
def test_the_ranks_are_those_of_the_tables(rounds, expected):
    assert rank(rounds) == expected  # Conover, table A3; Hahn and Meeker, table A.15


def test_too_few_rounds_give_no_interval():
    with pytest.raises(ValueError, match="expected 6 rounds or more for an interval of 95 %, got 5"):
        rank(5)


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [(0.5, 0.6, "yes"), (0.5, 0.8, "yes, not sure"), (0.68, 0.9, "no, not sure"), (0.71, 0.9, "no")],
)
def test_an_aim_is_reached_by_the_median_and_surely_by_the_interval(low, high, told):
    assert Ratio((low + high) / 2, low, high, low, high).reaches(0.7) == told
