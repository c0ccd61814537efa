"""A machine that is too noisy is noticed."""

import itertools
import os

import pytest

from tinytorch_bench import noise


def clock(*lengths):
    """A clock by which the loops take these times, in turn."""
    steps = itertools.chain.from_iterable((0.0, length) for length in itertools.cycle(lengths))
    return itertools.accumulate(steps).__next__


@pytest.fixture
def load(monkeypatch):
    """Set the load average."""
    return lambda value: monkeypatch.setattr(os, "getloadavg", lambda: (value, 0.0, 0.0), raising=False)


def test_a_quiet_machine_is_not_complained_about(load):
    load(0.2)
    assert noise.warnings(clock(1.0, 1.01, 0.99)) == []


def test_others_that_compute_are_told(load):
    load(1.9)
    (told,) = noise.warnings(clock(1.0))
    assert told.startswith("the load average is 1.9 on ")


def test_a_loop_that_runs_unevenly_is_told(load):
    load(0.0)
    assert noise.warnings(clock(1.0, 1.0, 1.0, 1.0, 1.5)) == [
        "one in ten runs of a fixed loop takes 50 % longer than half of them"
    ]
