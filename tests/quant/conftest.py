"""Lets the tests import the pages beside them, and the core find the plugin where it is not installed."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import pytest

from tinytorch import plugins
from tinytorch_quant import plugin as quant_plugin


@pytest.fixture
def quant_available():
    """The plugin known, also where its distribution is not installed, and not enabled."""
    installed = "quant" in {found.name for found in plugins.list()}
    if not installed:
        plugins.register(quant_plugin, "quant")
    yield
    plugins.disable("quant")
    if not installed:
        plugins.unregister("quant")
