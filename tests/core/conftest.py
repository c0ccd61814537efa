"""Random numbers that are the same in every run."""

import numpy as np
import pytest

import tinytorch as tt


@pytest.fixture(autouse=True)
def _seeded():
    tt.manual_seed(0)


@pytest.fixture
def rng():
    """numpy's generator, for arrays."""
    return np.random.default_rng(0)
