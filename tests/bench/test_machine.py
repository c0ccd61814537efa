"""The machine is told as it is, threads included."""

import platform

import pytest

from tinytorch import plugins
from tinytorch.plugins import exact, hookimpl
from tinytorch_bench import machine


def test_the_facts_are_there():
    facts = machine.facts()
    assert facts["python"] == platform.python_version()
    assert facts["processors"] >= 1
    assert facts["threads"] >= 1
    assert "openblas" in facts["blas"] or facts["blas"]


@pytest.mark.parametrize(
    ("threads", "processors", "environment", "told"),
    [
        (1, 2, {}, []),
        (2, 2, {"OPENBLAS_NUM_THREADS": "2"}, []),
        (2, 2, {}, ["nobody chose BLAS's 2 threads: set OPENBLAS_NUM_THREADS, so that runs can be compared"]),
        (4, 2, {"OPENBLAS_NUM_THREADS": "4"}, ["BLAS has 4 threads on 2 processors: they wait for each other"]),
    ],
)
def test_threads_are_checked(monkeypatch, threads, processors, environment, told):
    monkeypatch.setattr(machine, "processors", lambda: processors)
    assert machine.thread_warnings(threads, environment) == told


def test_plugins_in_force_are_told_with_their_promises():
    class Plugin:
        __version__ = "3.1"

        @hookimpl
        @exact
        def relu(self, x):
            return None

    plugins.register(Plugin(), "promising")
    try:
        with plugins.using("promising"):
            (told,) = machine.in_force()
    finally:
        plugins.unregister("promising")
    assert (told["name"], told["version"]) == ("promising", "3.1")
    assert told["ops"] == {"relu": "float32 exact, float64 exact"}
    with plugins.using():
        assert machine.in_force() == []
