"""Times are taken in turn, after a warm-up, with energy where it is counted."""

from contextlib import contextmanager

import numpy as np
import pytest
from clocks_for_tests import Clock, timing

from tinytorch_bench.energy import Counter, Meter
from tinytorch_bench.timing import Side, Timing, interleaved, yardstick


@pytest.fixture
def quiet():
    return Clock(0, jitter=0.0, drift=0.0, wander=0.0, spikes=0.0)


def test_every_round_gives_one_time_of_each(quiet):
    taken, yard = interleaved({"a": Side(quiet.work(2e-3)), "b": Side(quiet.work(5e-3))}, timing(quiet, 12))
    assert [len(times) for times in (taken["a"].seconds, taken["b"].seconds, yard)] == [12, 12, 12]
    assert taken["b"].seconds[0] / taken["a"].seconds[0] == pytest.approx(2.5)
    assert taken["a"].seconds[0] / yard[0] == pytest.approx(2.0)


def test_sides_take_turns_in_random_order(quiet):
    called = []

    def noting(name):
        work = quiet.work(1e-2)
        return lambda: (called.append(name), work())

    interleaved({"a": Side(noting("a")), "b": Side(noting("b"))}, timing(quiet, 30, seconds=0.0))
    rounds = called[-60:]
    orders = {tuple(rounds[place : place + 2]) for place in range(0, 60, 2)}
    assert orders == {("a", "b"), ("b", "a")}


def test_what_warms_up_is_called_until_it_is_steady(quiet):
    lengths = iter([8e-3, 4e-3, 3e-3, 2e-3])

    def call():
        quiet.now += next(lengths, 1e-3)

    taken, _ = interleaved({"cold": Side(call)}, timing(quiet, 10))
    assert 4 <= taken["cold"].warm_up <= 6
    assert taken["cold"].seconds == pytest.approx([1e-3] * 10)


def test_what_never_becomes_steady_is_told(quiet):
    length = 1e-3

    def call():
        nonlocal length
        length *= 1.2
        quiet.now += length

    assert interleaved({"worse": Side(call)}, timing(quiet, 10))[0]["worse"].warm_up is None


def test_a_burst_lies_in_the_block_of_its_side(quiet):
    inside, seen = [], []

    @contextmanager
    def around():
        inside.append(1)
        yield
        inside.pop()

    work = quiet.work(1e-3)
    interleaved({"a": Side(lambda: (seen.append(len(inside)), work()), around)}, timing(quiet, 10))
    assert set(seen) == {1}
    assert inside == []


def test_energy_is_that_of_bursts(quiet, tmp_path):
    class Watts(Counter):
        def read(self):
            return int(quiet.now * 7e6)  # seven watts, whatever runs

    work, meter = quiet.work(1e-3), Meter([Watts(tmp_path, 1 << 60)])
    found = interleaved({"a": Side(work)}, Timing(10, 0.005, 0, quiet, work, meter))[0]["a"]
    assert found.joules / found.calls == pytest.approx(7e-3 * found.seconds[0] / 1e-3, rel=0.01)


def test_the_real_yardstick_computes_the_same_again_and_again(monkeypatch):
    given = []
    for name in ("matmul", "multiply", "tanh"):
        whole = getattr(np, name)
        monkeypatch.setattr(np, name, lambda *a, whole=whole, **b: given.append(whole(*a, **b).tobytes()))
    work = yardstick()
    work()
    first = given.copy()
    given.clear()
    work()
    assert given == first
    assert len(first) == 12  # three in each of four turns
    assert len(set(first)) == 3


def test_too_few_rounds_are_refused():
    with pytest.raises(ValueError, match="Timing: expected 10 rounds or more, got 9"):
        Timing(rounds=9)
    with pytest.raises(ValueError, match="Timing: expected seconds of 0 or more, got nan"):
        Timing(seconds=float("nan"))
    with pytest.raises(ValueError, match="Timing: expected seconds of 0 or more, got inf"):
        Timing(seconds=float("inf"))
    with pytest.raises(ValueError, match=r"Timing: expected 10 rounds or more, got 10\.5"):
        Timing(rounds=10.5)
