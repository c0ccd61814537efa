"""A run killed with SIGKILL at random instants, and resumed each time, ends with the same bits as an unbroken one.

Four chains of seven kills and more; in most of the time that a chain lives, a checkpoint is being written.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("training_to_kill.py")
KILLS = 7


def start(path, every, own):
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # two threads that wait for each other take longer
    command = [sys.executable, str(PROGRAM), str(path), str(every), str(own)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def finish(path, every, own):
    """Let a run end, and return the seconds that it trained."""
    with start(path, every, own) as process:
        assert process.stdout.readline() == "ready\n"
        begun = time.perf_counter()
        assert process.wait() == 0
        return time.perf_counter() - begun


def kill(path, every, own, seconds):
    """Kill a run so many seconds after it began to train; return whether it was still alive."""
    with start(path, every, own) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(seconds)
        process.kill()
        return process.wait() == -signal.SIGKILL


@pytest.mark.parametrize(
    ("every", "own", "ending"), [(1, 0, "npz"), (1, 1, "safetensors"), (1, 1, "npz"), (0, 0, "npz")]
)
def test_a_killed_run_ends_with_the_same_bits(tmp_path, every, own, ending):
    if ending == "safetensors":
        pytest.importorskip("safetensors")
    unbroken, broken = tmp_path / f"unbroken.{ending}", tmp_path / f"broken.{ending}"
    seconds = finish(unbroken, every, own)
    draw = random.Random(f"{every}{ending}")
    most = 2 * seconds / KILLS if every else seconds / 2  # with epochs alone, a short life comes to nothing
    killed = 0
    for _ in range(10 * KILLS):
        if kill(broken, every, own, draw.uniform(0, most)):
            killed += 1
        else:
            broken.unlink()  # it came to its end first: begin again
        if killed == KILLS:
            break
    assert killed == KILLS
    finish(broken, every, own)
    assert broken.read_bytes() == unbroken.read_bytes()
    assert {*tmp_path.iterdir()} == {broken, unbroken}  # what was half written when it was killed is gone
