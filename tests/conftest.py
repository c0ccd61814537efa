"""The whole suite: `pytest --plugin NAME` runs it under a plugin, installed or one of `tinytorch.testing.plugins`."""

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # tests are files, not a package: what they share is found here

import pytest

import tinytorch
from tinytorch import plugins
from tinytorch.testing import plugins as for_tests

BESIDE = Path(__file__).parents[2] / "shared" / "data"  # real data, which stands outside the project


@pytest.fixture
def real_data():
    """Give a function that finds a file or folder of the real data, or skips."""

    def find(name):
        path = Path(os.environ.get("TINYTORCH_DATA", BESIDE), name)
        if not path.exists():
            pytest.skip(f"there is no {path}; TINYTORCH_DATA names the folder of real data")
        return path

    return find


@pytest.fixture
def stories(real_data):
    """The folder of a trained model of llama2.c's."""
    return real_data("stories260k")


def pytest_addoption(parser):
    parser.addoption("--plugin", metavar="NAME", help="run the suite under this plugin; without it, under none")


def pytest_configure(config):
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a background job ignores Ctrl-C, and so would its children
    name = config.getoption("--plugin")
    os.environ["TINYTORCH_PLUGINS"] = name if name and name not in for_tests.NAMES else ""
    os.environ.pop("TINYTORCH_DISABLE", None)


def pytest_collection_finish(session):
    """Enable the plugin once all tests, and with them all chapters, are imported."""
    name = session.config.getoption("--plugin")
    if name in for_tests.NAMES:
        plugins.register(for_tests.make(name), name)
    if name:
        plugins.enable(name)


def pytest_report_header(config):
    name = config.getoption("--plugin")
    return f"tinytorch {tinytorch.__version__}: {f'under the plugin {name}' if name else 'the core alone'}"
