"""LoadGen agrees with us: the same answers, and in the same run the same latencies."""

import time
from importlib.util import find_spec

import numpy as np
import pytest

from tinytorch_bench.tinymlperf import Rules, System, TinyError, loadgen

SHORT = Rules(windows=2, seconds=0.1, warm_up=0.01)
INPUTS = np.arange(150, dtype=np.float32).reshape(50, 3)


def slow(inputs):
    time.sleep(0.001)
    return inputs * 2


SYSTEM = System("none", "", lambda inputs: inputs, slow, lambda out: out)


needs_loadgen = pytest.mark.skipif(find_spec("mlperf_loadgen") is None, reason="needs mlcommons-loadgen")


@needs_loadgen
@pytest.mark.parametrize("batch", [1, 8])
def test_answers_are_those_of_the_accuracy_log_in_the_order_of_the_samples(batch):
    assert np.array_equal(loadgen.answers(SYSTEM, INPUTS, batch), INPUTS * 2)


@needs_loadgen
def test_its_latencies_are_those_of_our_clock_in_the_same_run():
    found = loadgen.summed(list(loadgen.performance(SYSTEM, INPUTS, SHORT)))
    assert found.measured_by == "LoadGen"
    assert found.p90 >= 0.001  # a sleep is never shorter
    assert found.p90 == pytest.approx(found.own_p90, rel=0.25)  # LoadGen's own work comes on top
    assert 0 < found.throughput <= 1000
    assert len(found.windows) == SHORT.windows


@needs_loadgen
def test_offline_it_tells_samples_a_second():
    found = loadgen.summed(list(loadgen.performance(SYSTEM, INPUTS, SHORT, batch=8)))
    assert 0 < found.throughput <= 8000
    assert found.p90 is None


@needs_loadgen
@pytest.mark.parametrize("batch", [1, 8])
@pytest.mark.parametrize(
    "run", [loadgen.answers, lambda *given: list(loadgen.performance(*given[:2], SHORT, given[2]))]
)
def test_an_interruption_in_the_system_comes_through(run, batch):
    calls = iter(range(3))

    def failing(given):
        if next(calls, None) is None:
            raise KeyboardInterrupt
        time.sleep(0.01)
        return given

    with pytest.raises(KeyboardInterrupt):
        run(System("none", "", np.asarray, failing, np.asarray), INPUTS, batch)


def test_without_the_package_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "mlperf_loadgen", None)
    with pytest.raises(TinyError, match=r"pip install 'tinytorch-bench\[loadgen\]'"):
        loadgen.module()
