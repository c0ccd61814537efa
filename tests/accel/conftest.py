"""The plugin `accel` under its name, installed or not, and what tests of it share."""

import numpy as np
import pytest

from tinytorch import plugins
from tinytorch.plugins import discovery

BUILT = "tinytorch-accel was installed without its kernels"


@pytest.fixture(autouse=True, scope="session")
def _known():
    from tinytorch_accel import plugin

    if "accel" not in discovery.installed():
        plugins.register(plugin, "accel")


@pytest.fixture(autouse=True)
def _threads_as_before():
    from tinytorch_accel.compiled import kernels

    before = kernels.threads()
    yield
    kernels.set_threads(before)


@pytest.fixture
def rng():
    """numpy's generator, for arrays."""
    return np.random.default_rng(0)
