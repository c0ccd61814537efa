"""What the seam's tests share: each runs as in a process that has just started."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from plugins_for_tests import answering

from tinytorch import plugins
from tinytorch.plugins import discovery, hookimpl, registry
from tinytorch.plugins.activation import Unconfigured
from tinytorch.plugins.process import State, process
from tinytorch.testing.plugins import NAMES, make


def is_below(entry_point, folder):
    """Whether an entry point was installed by the test, and not by whoever runs it."""
    return Path(entry_point.dist.locate_file("")).is_relative_to(folder)


@pytest.fixture(autouse=True)
def started(monkeypatch, tmp_path):
    """A process that has just started, in an empty folder, with no plugin installed and no environment."""
    monkeypatch.setattr(process, "state", State())
    monkeypatch.setattr(process, "table", Unconfigured())
    monkeypatch.setattr(registry, "_ops", dict(registry._ops))
    everywhere = discovery.entry_points
    monkeypatch.setattr(
        discovery, "entry_points", lambda group: (each for each in everywhere(group) if is_below(each[-1], tmp_path))
    )
    monkeypatch.delenv("TINYTORCH_PLUGINS", raising=False)
    monkeypatch.delenv("TINYTORCH_DISABLE", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def registered():
    """The four test plugins, registered by code."""
    for name in NAMES:
        plugins.register(make(name), name)


@pytest.fixture
def plugin():
    """Register a plugin made of functions: `plugin("mine", add=...)`."""

    def register(name, **functions):
        made = SimpleNamespace(**functions)
        plugins.register(made, name)
        return made

    return register


@pytest.fixture
def mine(plugin):
    """A plugin `mine` that answers 7, with a log of its configuration."""
    log = []
    plugin(
        "mine",
        add=answering(7),
        register_options=hookimpl(lambda options: options.add("threads", int, default=2)),
        configure=hookimpl(lambda options: log.append(dict(options))),
        unconfigure=hookimpl(lambda: log.append("unconfigured")),
    )
    return log


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a distribution: a `*.dist-info` folder, and a module, in a folder on sys.path."""
    site = tmp_path / "site-packages"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    before = set(sys.modules)

    def installed(name, source, *, value=None, distribution=None, version="1.2.3", entries=None):
        distribution = distribution or f"tinytorch-{name}"
        module = distribution.replace("-", "_")
        (site / f"{module}.py").write_text(source)
        info = site / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        points = entries or f"[tinytorch]\n{name} = {value or module}\n"
        (info / "entry_points.txt").write_text(points)
        return info

    yield installed
    for module in set(sys.modules) - before:
        if str(site) in str(getattr(sys.modules[module], "__file__", "")):
            del sys.modules[module]
