"""Lets the tests import the pages beside them, and the core find the plugin where it is not installed."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import pytest
from known_for_tests import known

from tinytorch_quant import plugin as quant_plugin


@pytest.fixture
def quant_available():
    """The plugin known, also where its distribution is not installed, and not enabled."""
    with known("quant", quant_plugin):
        yield
