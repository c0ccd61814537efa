"""The seven distributions keep their promises to each other."""

import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

import tinytorch

ROOT = Path(__file__).parents[2]
PLUGINS = ("profiling", "accel", "quant", "compress", "cache", "bench")


@pytest.mark.parametrize("name", PLUGINS)
def test_a_plugin_has_the_version_of_the_core(name):
    assert version(f"tinytorch-{name}") == version("tinytorch-core") == tinytorch.__version__


@pytest.mark.parametrize("name", PLUGINS)
def test_a_plugin_requires_exactly_this_core(name):
    project = tomllib.loads((ROOT / f"tinytorch-{name}/pyproject.toml").read_text())["project"]
    assert f"tinytorch-core=={tinytorch.__version__}" in project["dependencies"]


@pytest.mark.parametrize("name", PLUGINS)
def test_an_installed_plugin_can_be_enabled_and_changes_no_result(name):
    x = tinytorch.randn(3, 4)
    with tinytorch.plugins.using():
        before = tinytorch.nn.functional.softmax(x, 1)
    with tinytorch.plugins.using(name):
        after = tinytorch.nn.functional.softmax(x, 1)
    assert tinytorch.allclose(after, before, rtol=1e-5, atol=1e-6)  # the op's contract: accel sums in another order


def test_the_core_depends_on_three_distributions():
    project = tomllib.loads((ROOT / "tinytorch-core/pyproject.toml").read_text())["project"]
    names = {requirement.split(">")[0].strip() for requirement in project["dependencies"]}
    assert names == {"numpy", "pluggy", "importlib-metadata"}


def test_importing_the_core_imports_no_plugin_and_nothing_beyond_its_dependencies():
    code = "import sys, numpy, pluggy; known = set(sys.modules); import tinytorch; print(*set(sys.modules) - known)"
    modules = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    loaded = {module.split(".")[0] for module in modules} - {"cython_runtime"}
    foreign = [
        name for name in loaded if name not in sys.stdlib_module_names and name not in {"tinytorch", "numpy", "pluggy"}
    ]
    assert foreign == []
