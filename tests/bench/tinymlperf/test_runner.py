"""The runner on a clock that we set: windows are long enough, the median counts, and p90 is the nearest rank."""

import numpy as np
import pytest

from tinytorch_bench.tinymlperf import OFFICIAL, QUICK, Performance, Rules, System, runner
from tinytorch_bench.tinymlperf.runner import percentile


class Clock:
    """Goes on only while the system answers."""

    def __init__(self, *seconds):
        self.now, self.calls, self.seconds, self.asked = 0.0, 0, seconds, []

    def system(self):
        return System("none", "", lambda inputs: inputs, self.infer, np.asarray)

    def infer(self, given):
        self.now += self.seconds[self.calls % len(self.seconds)]
        self.calls += 1
        self.asked.append(given[:, 0].tolist())
        return given

    def __call__(self):
        return self.now


INPUTS = np.arange(6.0).reshape(6, 1)


def test_every_window_lasts_at_least_as_long_as_the_rules_ask():
    clock = Clock(3.0)
    windows = list(runner.performance(clock.system(), INPUTS, OFFICIAL, clock=clock))
    assert [(window.inferences, window.seconds) for window in windows] == [(4, 12.0)] * 5
    assert clock.asked == [[0.0]] + [[float(i)] for i in range(5) for _ in range(4)]  # one to warm up


def test_throughput_is_the_median_of_the_windows_and_p90_that_of_all_latencies():
    clock = Clock(*[1.0] * 11, *[2.0] * 5, *[1.25] * 8)  # a warm-up, then windows of 10, 5 and 8
    windows = list(runner.performance(clock.system(), INPUTS, Rules(windows=3, seconds=10.0), clock=clock))
    found = Performance.of(windows)
    assert [window["throughput"] for window in found.windows] == [1.0, 0.5, 0.8]
    assert found.throughput == 0.8
    assert (found.p90, found.median) == (2.0, 1.25)


def test_offline_asks_about_batches_and_tells_no_latencies():
    clock = Clock(0.5)
    windows = list(runner.performance(clock.system(), INPUTS, Rules(windows=2, seconds=1.0), batch=4, clock=clock))
    assert [window.inferences for window in windows] == [8, 8]
    assert clock.asked[2:] == [[0.0, 1.0, 2.0, 3.0]] * 2 + [[4.0, 5.0, 0.0, 1.0]] * 2
    found = Performance.of(windows)
    assert (found.throughput, found.p90, found.median) == (8.0, None, None)


def test_a_slow_system_is_asked_once_a_window():
    clock = Clock(60.0)
    assert [window.inferences for window in runner.performance(clock.system(), INPUTS, QUICK, clock=clock)] == [1, 1, 1]


@pytest.mark.parametrize(("values", "expected"), [([5.0], 5.0), (range(1, 11), 9), (range(1, 12), 10), ([1, 1, 9], 9)])
def test_a_percentile_is_the_smallest_value_that_enough_do_not_exceed(values, expected):
    assert percentile(np.array(list(values), float)[::-1], 0.9) == expected


def test_accuracy_asks_one_by_one_as_performance_does():
    clock = Clock(1.0)
    assert np.array_equal(np.concatenate(list(runner.answers(clock.system(), INPUTS))), INPUTS)
    assert clock.asked == [[float(i)] for i in range(6)]
    assert [len(each) for each in runner.answers(clock.system(), INPUTS, batch=4)] == [4, 2]


def test_the_official_rules_break_none_and_the_quick_ones_say_which_they_break():
    assert OFFICIAL.breaches() == []
    assert QUICK.breaches() == ["3 windows of 0.3 s instead of 5 of 10 s"]
