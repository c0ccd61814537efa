"""A timer keeps every time, and says what they say together."""

import asyncio
import threading
from time import sleep

import numpy as np
import pytest

from tinytorch_profiling import Timer
from tinytorch_profiling.timer import SHORTEST, Timing


def test_what_times_say():
    timing = Timing(np.array([*range(1, 100), 1000]) / 1000)
    assert timing.median == pytest.approx(0.0505)
    assert timing.iqr == pytest.approx(0.0495)
    assert (timing.p90, timing.outliers) == (pytest.approx(0.0901), 1)
    value, low, high = timing.interval
    assert 0.03 < low < value == timing.median < high < 0.07
    assert timing.to_dict()["max"] == 1.0
    assert str(timing).startswith("50.5 ms (median of 100 runs, 95 % ")


def test_blocks_and_calls_are_timed_also_inside_each_other():
    timer = Timer("work")

    @timer
    def work(depth):
        sleep(0.002)
        if depth:
            work(depth - 1)
        return depth

    with timer:
        assert work(1) == 1
    assert len(timer.times) == 3
    assert 0.002 <= timer.times[0] <= timer.times[1] <= timer.times[2]
    assert str(timer).startswith("work: ")


def test_coroutines_are_timed_till_they_are_done():
    timer = Timer()

    @timer
    async def work(seconds):
        await asyncio.sleep(seconds)
        return seconds

    async def both():
        return await asyncio.gather(work(0.05), work(0.01))

    assert asyncio.run(both()) == [0.05, 0.01]
    assert 0.009 <= timer.times[0] < 0.049 <= timer.times[1]


def test_a_coroutine_that_is_broken_off_is_no_time():
    timer = Timer()

    @timer
    async def work():
        raise KeyError

    with pytest.raises(KeyError):
        asyncio.run(work())
    assert timer.times == []


def test_generators_are_refused():
    def numbers():
        yield 1

    async def later():
        yield 1

    for each in (numbers, later):
        with pytest.raises(TypeError, match=r"timer: a call of the generator '(numbers|later)' runs nothing of it"):
            Timer()(each)


def test_threads_have_times_of_their_own():
    timer = Timer()
    entered = threading.Barrier(2)

    def work(seconds):
        with timer:
            entered.wait()
            sleep(seconds)

    threads = [threading.Thread(target=work, args=(seconds,)) for seconds in (0.0, 0.05)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(timer.times) == 2
    assert max(timer.times) >= 0.05 > min(timer.times)


def test_what_is_broken_off_is_no_time():
    timer = Timer()
    with pytest.raises(KeyError), timer:
        raise KeyError
    assert timer.times == []
    assert str(timer) == "nothing was timed yet"


def test_measure_warms_up_and_then_runs():
    calls = []
    timing = Timer.measure(lambda: (calls.append(1), sleep(SHORTEST)), warmup=2, runs=5)
    assert (len(timing.times), timing.number) == (5, 1)
    assert len(calls) == 2 + 5


def test_one_run_without_warming_up_is_one_call():
    calls = []
    assert len(Timer.measure(lambda: (calls.append(1), sleep(SHORTEST)), warmup=0, runs=1).times) == len(calls) == 1


def test_short_functions_are_called_often_for_one_time():
    calls = []
    timing = Timer.measure(lambda: calls.append(1), runs=3)
    assert timing.number > 10
    assert len(calls) >= 3 + 3 * timing.number
    assert f"of {timing.number} calls each" in str(timing)


@pytest.mark.parametrize("wrong", [{"runs": 0}, {"warmup": -1}])
def test_no_runs_are_refused(wrong):
    with pytest.raises(ValueError, match="measure: expected runs of 1 or more"):
        Timer.measure(lambda: None, **wrong)


def test_no_times_say_nothing():
    with pytest.raises(ValueError, match="nothing was timed yet"):
        str(Timer().timing)
