"""Lists of times: what is compared, what is called far off, drifting or steady."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytorch_bench import samples
from tinytorch_bench.comparing import verdict

TIMES = st.lists(st.floats(1e-6, 1.0), min_size=10, max_size=40)


def noisy(seed, count, sigma=0.02):
    return np.exp(sigma * np.random.default_rng(seed).standard_normal(count))


def test_the_interval_of_two_runs_holds_the_true_ratio_in_95_of_100():
    held = [samples.unpaired(1.3 * noisy(2 * seed, 20), noisy(2 * seed + 1, 25)) for seed in range(1000, 2000)]
    assert sum(each.low <= 1.3 <= each.high for each in held) >= 945  # of 1000: three standard errors below 950 is 929


def test_the_interval_is_that_of_the_tables():
    """Five and five: the third smallest and the third largest of 25 (Hollander, Wolfe and Chicken, table A.6)."""
    ours, theirs = np.array([2.0, 3.0, 5.0, 7.0, 11.0]), np.array([1.0, 1.5, 4.0, 6.0, 13.0])
    every = np.sort(np.divide.outer(ours, theirs).reshape(-1))
    found = samples.unpaired(ours[[2, 0, 4, 1, 3]], theirs[[3, 0, 4, 1, 2]])  # in an order without correlation
    assert found.low == pytest.approx(every[2])
    assert found.high == pytest.approx(every[-3])


@given(TIMES, TIMES)
def test_who_is_compared_with_whom_turns_the_ratio_around(ours, theirs):
    there, back = samples.unpaired(ours, theirs), samples.unpaired(theirs, ours)
    assert there.median == pytest.approx(1 / back.median)
    assert (there.low, there.high) == (pytest.approx(1 / back.high), pytest.approx(1 / back.low))
    assert there.smallest <= there.low <= there.median <= there.high <= there.largest


def test_neighbours_that_are_alike_make_the_interval_wider():
    wave = np.exp(0.1 * np.sin(np.arange(40) / 5.0))
    shuffled = wave[np.random.default_rng(0).permutation(40)]
    wide, narrow = samples.unpaired(wave, wave), samples.unpaired(shuffled, shuffled)
    assert np.log(wide.high / wide.low) > 2 * np.log(narrow.high / narrow.low)


def test_an_uneven_run_with_states_or_with_few_rounds_counts_as_one_observation():
    even, uneven = noisy(0, 40, 0.01), noisy(1, 40, 0.10)
    assert samples.single(even, noisy(2, 40, 0.01)) == samples.unpaired(even, noisy(2, 40, 0.01))
    assert samples.single(uneven, even) == samples.unpaired(uneven, even)  # its order shows no states
    for found in (samples.single(np.sort(uneven), even), samples.single(uneven[:39], even)):  # states, and too few
        assert found.high / found.low > 1.3  # 2 * 1.96 * 0.1 = 39 %, less what chance takes


@pytest.mark.parametrize("rounds", [40, 100])
@pytest.mark.parametrize("jitter", [0.01, 0.02, 0.03])
def test_independent_jitter_hides_no_5_percent_and_shows_none(jitter, rounds):
    """Expected of 3 % and 40 rounds: 97 by normal theory, less 2 for two false alarms of 1 % in each of two runs."""

    def run(seed):
        model, yardstick = np.exp(jitter * np.random.default_rng(seed).standard_normal((2, rounds)))
        return model / yardstick

    pairs = [(run(seed), run(seed + 1)) for seed in range(70_000, 70_200, 2)]  # no threshold was chosen by these
    equal = [verdict(samples.single(ours, theirs)) for ours, theirs in pairs]
    slow = [verdict(samples.single(1.05 * ours, theirs)) for ours, theirs in pairs]
    assert equal.count("no difference shown") >= 95
    assert slow.count("slower") >= 90


@pytest.mark.parametrize("wave", ["drift", "slow wave", "states"])
def test_noises_in_which_neighbours_are_alike_show_no_difference(wave):
    def run(seed):
        random, rounds = np.random.default_rng(seed), np.arange(40)
        slow = {
            "drift": 0.2 * random.uniform(-1, 1) * (rounds / 40 - 0.5),
            "slow wave": 0.05 * np.sin(rounds / 40 * random.uniform(6, 12) + random.uniform(0, 6.3)),
            "states": 0.15 * ((random.random(40) < 0.3).cumsum() % 2),
        }[wave]
        return np.exp(slow + 0.015 * random.standard_normal(40))

    told = [verdict(samples.single(run(seed), run(seed + 1))) for seed in range(80_000, 80_200, 2)]
    assert told.count("no difference shown") >= 95


def test_too_few_are_not_compared():
    with pytest.raises(ValueError, match="unpaired: expected 4 times or more of each side, got 3 and 4"):
        samples.unpaired([1.0] * 3, [1.0] * 4)


def test_outliers_are_named_by_their_places():
    times = noisy(3, 40)
    times[7], times[30] = 3.0, 0.4
    assert samples.outliers(times) == [7, 30]
    assert samples.outliers([1.0] * 20) == []


@pytest.mark.parametrize("change", [0.2, -0.2])
def test_a_drift_is_found_and_measured(change):
    times = noisy(4, 40) * np.linspace(1.0, 1.0 + change, 40)
    assert samples.drift(times) == pytest.approx(change, abs=0.03)


def test_no_drift_is_seen_in_noise():
    assert [samples.drift(noisy(seed, 40)) for seed in range(200)].count(0.0) >= 198  # three standard deviations


def test_warming_up_ends_where_times_are_steady():
    times = [9.0, 5.0, 3.0, 2.0, *[1.0] * 20]
    assert samples.warm(times) == 4
    assert samples.warm([2.0**-place for place in range(30)]) is None
    assert samples.warm([1.0] * 9) is None  # too few to say
