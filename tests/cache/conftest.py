"""The plugin in force, models for it, and the folder of a trained one."""

import os
from pathlib import Path

import pytest
from caches_for_tests import drawn

from tinytorch import plugins
from tinytorch_cache import plugin as cache_plugin

BESIDE = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.fixture
def stories():
    """The folder of a trained model of llama2.c's."""
    folder = Path(os.environ.get("TINYTORCH_DATA", BESIDE), "stories260k")
    if not folder.is_dir():
        pytest.skip(f"there is no {folder}; TINYTORCH_DATA names the folder of real data")
    return folder


@pytest.fixture
def available():
    """The plugin known, also where its distribution is not installed, and not enabled."""
    installed = "cache" in {found.name for found in plugins.list()}
    if not installed:
        plugins.register(cache_plugin, "cache")
    yield
    plugins.disable("cache")
    if not installed:
        plugins.unregister("cache")


@pytest.fixture
def enabled(available):
    """The plugin in force."""
    with plugins.using("cache"):
        yield


@pytest.fixture(params=["gpt", "llama"])
def model(request):
    return drawn(request.param, 3)
