"""Stub peers beside the tests, which workers can import: they get this process's path."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("tinytorch_bench")

from tinytorch_bench.peers.contest import Plan
from tinytorch_bench.peers.peer import Known
from tinytorch_bench.peers.workloads import Workload

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def plan():
    """A comparison of the stubs that takes no longer than it must."""
    rival = Known("rival", "the rival", "stub_rival", ("numpy",))
    return Plan(
        rival, "", 1, 6, seconds=0.0, pause=0.0, memory=1, ours=Known("stub", "the stub", "stub_peer", ("numpy",))
    )


@pytest.fixture
def workload():
    """Make a workload that only the stubs know."""
    return lambda name, group="ops", **options: Workload(name, group, f"{name} of a stub", name, **options)
