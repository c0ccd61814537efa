"""The protocol between stubs: checked first, timed in turn, the best form counts, no failure goes unexplained."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tinytorch_bench.noise import processors
from tinytorch_bench.peers.contest import difference, measured
from tinytorch_bench.peers.peer import Known, PeerError, find
from tinytorch_bench.peers.sides import MALLOC, Worker, Workers

LONELY = """
import sys
from tinytorch_bench.peers.sides import Side, Workers
from tinytorch_bench.noise import processors
from tinytorch_bench.peers.peer import Known
with Workers() as workers:
    worker = workers.of(Side(Known("stub", "the stub", "stub_peer", ("numpy",)), 1))
    print(worker.process.pid, flush=True)
    worker.ask("check", workload="sleeps", variant="")
"""


@pytest.fixture(scope="module")
def workers():
    with Workers() as running:
        yield running


@pytest.fixture
def row(plan, workers):
    """Give the row of a workload."""
    return lambda workload, **changes: measured(workload, replace(plan, **changes), workers)


def facts(workers):
    return {str(side): told for side, told in workers.facts.items()}


def test_the_same_work_is_timed_in_every_round(row, workload, workers):
    found = row(workload("same"))
    assert (found.outcome, found.difference) == ("measured", 0.0)
    assert [len(form.rounds) for form in (found.ours, found.theirs)] == [6, 6]
    assert found.ratio.smallest <= found.ratio.median <= found.ratio.largest
    assert {facts(workers)[f"the {side} with 1 thread"]["version"] for side in ("stub", "rival")} == {
        "stub, 1 bound, {'1'}"
    }


def test_a_ratio_is_our_time_to_theirs(row, workload):
    found = row(workload("slower there"))
    assert found.ours.us >= 2000  # microseconds: a sleep may take longer, never less
    assert found.theirs.us >= 8000
    assert found.ratio.median < 1


def test_where_numbers_differ_nothing_is_timed_and_they_are_told(row, workload):
    found = row(workload("differs"))
    assert (found.outcome, found.ratio, found.failed) == ("differs", None, True)
    assert found.told.startswith("results differ by 1.0e-03, at most 1e-04 is allowed: 0, 1, 2 … against 0, 1.001, 2.0")
    assert found.told.endswith("of the rival with 1 thread")


def test_nan_is_equal_to_nothing(row, workload):
    assert row(workload("nan")).outcome == "differs"


def test_what_a_peer_does_not_build_is_said(row, workload):
    found = row(workload("unknown to ours"))
    assert (found.outcome, found.told) == ("not built", "the stub does not build it")


def test_the_fastest_form_counts(row, workload):
    found = row(workload("forms"))
    assert (found.ours.variant, found.theirs.variant) == ("fast", "fast")


@pytest.mark.skipif(processors() < 2, reason="needs two processors")
def test_a_single_input_is_tried_with_one_thread_and_with_two(row, workload, workers):
    found = row(workload("forms", "inference"), threads=2)
    told = facts(workers)
    assert {found.ours.threads, found.theirs.threads} <= {1, 2}
    assert [told[f"the {side} with 2 threads"]["version"] for side in ("stub", "rival")] == ["stub, 2 bound, {'2'}"] * 2


def test_a_tuned_allocator_is_a_side_of_its_own(row, workload, workers):
    assert row(workload("same"), tuned=True).tuned_ratio.median > 0
    told = facts(workers)
    assert told["the rival with 1 thread and a tuned malloc"]["tunables"] == MALLOC
    assert told["the rival with 1 thread"]["tunables"] is None


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's /proc")
def test_the_memory_of_a_training_is_what_its_steps_add(row, workload):
    found = row(workload("large", "training"))
    sizes = [found.memory.ours / 2**20, found.memory.theirs / 2**20]
    assert sizes == pytest.approx([128, 128], abs=8)  # what was kept is freed when the next is there
    assert found.memory.ratio == pytest.approx(1.0, abs=0.05)


def test_a_worker_that_dies_is_one_sentence(plan, workload):
    sentence = r"the worker of the stub with 1 thread ended with status 3 \(out of luck\) when asked to check dies$"
    with Workers() as workers, pytest.raises(PeerError, match=sentence):
        measured(workload("dies"), plan, workers)


def test_a_worker_that_was_killed_is_one_sentence(plan, workload):
    with Worker(plan.sides(workload("same"))[0]) as worker:
        os.kill(worker.process.pid, signal.SIGKILL)
        with pytest.raises(PeerError, match=r"ended with signal 9 when asked to check same$"):
            worker.ask("check", workload="same", variant="")


def test_an_error_in_a_worker_is_one_sentence(row, workload):
    with pytest.raises(PeerError, match="the stub with 1 thread cannot check raises: ZeroDivisionError: division by"):
        row(workload("raises"))


def test_an_interruption_ends_the_workers():
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [sys.executable, "-c", LONELY], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=variables
    ) as program:
        worker = int(program.stdout.readline())
        program.send_signal(signal.SIGINT)
        program.wait(20)
    assert gone(worker)


def gone(pid):
    """Whether there is no such process any more, soon."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(
    ("mine", "theirs", "expected"),
    [
        ([np.array([1.0, 2.0])], [np.array([1.0, 2.002])], 0.002 / 2.002),
        ([np.zeros(3)], [np.zeros(3)], 0.0),
        ([np.zeros(3)], [np.zeros((3, 1))], np.inf),
        ([np.zeros(3)], [np.zeros(3), np.zeros(3)], np.inf),
        ([np.array([np.nan])], [np.array([np.nan])], np.inf),
        ([np.zeros(3)], [np.full(3, 1e-30)], 1.0),
    ],
)
def test_differences_are_relative_to_the_largest_number(mine, theirs, expected):
    assert difference(mine, theirs) == pytest.approx(expected)


def test_a_framework_that_is_not_installed_is_named_with_what_to_install():
    absent = Known("torch", "PyTorch", "nowhere", ("no_such_framework",), "pip install 'tinytorch-bench[peers]'")
    with pytest.raises(PeerError, match=r"the peer 'torch' needs PyTorch: pip install 'tinytorch-bench\[peers\]'"):
        absent.expect()
    with pytest.raises(PeerError, match="there is no peer 'caffe'; there are torch, jax, onnx, litert"):
        find("caffe")


def test_a_peer_whose_compiler_is_missing_says_so(monkeypatch):
    known = Known("tiny", "Tiny", "nowhere", ("numpy",), compiler="clang")
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(PeerError, match="the peer 'tiny' needs clang: install it, or name it in CC"):
        known.expect()
    monkeypatch.setenv("CC", sys.executable)
    known.expect()
