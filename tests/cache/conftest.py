"""The plugin in force, and models for it."""

import pytest
from caches_for_tests import drawn
from known_for_tests import known

from tinytorch import plugins
from tinytorch_cache import plugin as cache_plugin


@pytest.fixture
def available():
    """The plugin known, also where its distribution is not installed, and not enabled."""
    with known("cache", cache_plugin):
        yield


@pytest.fixture
def enabled(available):
    """The plugin in force."""
    with plugins.using("cache"):
        yield


@pytest.fixture(params=["gpt", "llama"])
def model(request):
    return drawn(request.param, 3)
