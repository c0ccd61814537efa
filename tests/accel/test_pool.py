"""Threads: of Python, of the pool, of a forked child; and the end of a process."""

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from accel.scripts import run

kernels = pytest.importorskip("tinytorch_accel._native", reason="tinytorch-accel was installed without its kernels")
X = np.linspace(-3, 3, 300_000, dtype=np.float32).reshape(300, 1000)

START = """
import os, sys, threading, time
import numpy as np
from tinytorch_accel.compiled import kernels
kernels.set_threads(2)
x = np.linspace(-3, 3, 300_000, dtype=np.float32).reshape(300, 1000)
right = kernels.gelu(x, "none")[0].tobytes()
"""


def test_several_python_threads_get_their_own_answers():
    kernels.set_threads(2)
    inputs = [X * scale for scale in (0.5, 1.0, 1.5, 2.0)]
    right = [kernels.gelu(x, "none")[0].tobytes() for x in inputs]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(50):
            assert [out[0].tobytes() for out in pool.map(lambda x: kernels.gelu(x, "none"), inputs)] == right


def test_threads_may_be_changed_while_others_compute():
    right = kernels.gelu(X, "none")[0].tobytes()
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(kernels.gelu, X, "none") for _ in range(100)]
        for count in (1, 2, 3, 2, 1):
            kernels.set_threads(count)
    assert {answer.result()[0].tobytes() for answer in answers} == {right}


@pytest.mark.parametrize("count", [0, -1, 1025])
def test_a_number_of_threads_that_cannot_be_is_an_error(count):
    with pytest.raises(ValueError, match=f"threads: expected 1 to 1024, got {count}"):
        kernels.set_threads(count)


def test_a_forked_child_computes_with_threads_of_its_own():
    code = """
for _ in range(20):
    child = os.fork()
    if not child:
        same = all(kernels.gelu(x, "none")[0].tobytes() == right for _ in range(5))
        os._exit(0 if same else 3)
    assert os.waitpid(child, 0)[1] == 0
    assert kernels.gelu(x, "none")[0].tobytes() == right
"""
    assert run(START + code) == (0, "", "")


def test_a_fork_while_another_thread_computes_leaves_the_child_whole():
    code = """
stop = threading.Event()
def compute():
    while not stop.is_set():
        kernels.gelu(x, "none")
thread = threading.Thread(target=compute)
thread.start()
for _ in range(20):
    child = os.fork()
    if not child:
        os._exit(0 if kernels.gelu(x, "none")[0].tobytes() == right else 3)
    assert os.waitpid(child, 0)[1] == 0
stop.set()
thread.join()
"""
    assert run(START + code, PYTHONWARNINGS="ignore") == (0, "", "")  # Python 3.12 warns of forks with threads


def test_a_process_may_end_while_a_daemon_thread_computes():
    code = """
def compute():
    while True:
        kernels.gelu(x, "none")
threading.Thread(target=compute, daemon=True).start()
time.sleep(0.1)
"""
    assert run(START + code) == (0, "", "")


def test_ctrl_c_is_python_s_keyboard_interrupt():
    code = """
print("ready", flush=True)
try:
    while True:
        kernels.gelu(x, "none")
except KeyboardInterrupt:
    assert kernels.gelu(x, "none")[0].tobytes() == right
    print("interrupted")
"""
    with subprocess.Popen([sys.executable, "-c", START + code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60)[0] == "interrupted\n"
    assert process.returncode == 0
