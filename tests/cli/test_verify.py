"""`tinytorch verify`: a report for people and programs, and a status for CI."""


import pytest

from tinytorch.verify import run as running


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """The sections on the core, ops and plugins alone: the others have tests of their own, and take long."""
    chosen = [each for each in running.SECTIONS if each[0] in {"Every op", "Plugins"}]
    monkeypatch.setattr(running, "SECTIONS", tuple(chosen))
