"""The whole of it: every section is tried, and the program that asked for it goes on as if it had not."""

import random

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import plugins
from tinytorch.testing.plugins import make
from tinytorch.verify import children, journeys, memory, speed
from tinytorch.verify import run as running
from tinytorch.verify.report import Plan


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """A little of everything, of every section."""
    monkeypatch.setattr(memory, "STEPS", 2)
    monkeypatch.setattr(memory, "WARM_UP", 1)
    monkeypatch.setattr(speed, "QUICK_SECONDS", 0.2)
    monkeypatch.setattr(journeys, "JOURNEYS", journeys.JOURNEYS[:1])
    monkeypatch.setattr(children, "COUNTS", (1, 1, 1, 1))


def drawn():
    """The next numbers of all streams that a program may draw from."""
    return [tt.rand(1).item(), tt.randn(1).item(), random.random(), np.random.rand()]  # noqa: NPY002  the stream that old programs draw from


def test_the_streams_of_random_numbers_go_on_as_if_it_had_not_run():
    def seeded():
        tt.manual_seed(7)
        random.seed(7)
        np.random.seed(7)  # noqa: NPY002

    plugins.register(make("loopback"), "loopback")
    seeded()
    expected = drawn()
    seeded()
    report = running.verify(Plan(("loopback",), ("exp", "relu", "sgd_step"), quick=True))
    assert drawn() == expected
    assert report.passed
    assert len(report.sections) == len(running.SECTIONS)
