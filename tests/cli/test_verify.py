"""`tinytorch verify`: a report for people and programs, and a status for CI."""

import json

import pytest

from tinytorch import plugins
from tinytorch.testing.plugins import make
from tinytorch.verify import run as running
from tinytorch.verify.report import Row


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """The sections on the core, ops and plugins alone: the others have tests of their own, and take long."""
    chosen = [each for each in running.SECTIONS if each[0] in {"Every op", "Plugins"}]
    monkeypatch.setattr(running, "SECTIONS", tuple(chosen))
