"""Small trained models in files, and the plugin known where its distribution is not installed."""

import known_for_tests
import pytest

from tinytorch import plugins, recipes
from tinytorch_compress import plugin as compress_plugin


@pytest.fixture
def known():
    """The plugin registered, and not enabled."""
    with known_for_tests.known("compress", compress_plugin):
        yield


@pytest.fixture
def enabled(known):
    """The plugin in force."""
    with plugins.using("compress"):
        yield


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A checkpoint of a short training of the digits' perceptron."""
    path = tmp_path_factory.mktemp("trained") / "run.npz"
    run = recipes.prepare(recipes.find("digits-mlp"), epochs=3, checkpoint=path)
    run.fit()
    return path
