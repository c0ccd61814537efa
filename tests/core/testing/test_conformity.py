"""PluginConformity: a class of two lines tests a plugin, and cannot be made to test less."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tinytorch.testing import PluginConformity

SUITE = """
import sys
sys.path.insert(0, {here!r})
from sabotage import SABOTAGES
from tinytorch import plugins
from tinytorch.testing import PluginConformity
from tinytorch.testing.plugins import make

plugins.register({plugin}, "mine")

class TestMine(PluginConformity):
    plugin = "mine"
"""


def run(tmp_path, plugin, ops):
    (tmp_path / "test_mine.py").write_text(SUITE.format(plugin=plugin, here=str(Path(__file__).parent)))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py", "-k", ops]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout


def test_a_right_plugin_passes(tmp_path):
    out = run(tmp_path, 'make("loopback")', "gelu or matmul")
    assert re.search(r"^3 passed", out, re.MULTILINE), out


def test_a_wrong_op_fails_by_its_name(tmp_path):
    wrong = 'next(each for each in SABOTAGES if each.name == "writes its input").plugin()'
    out = run(tmp_path, wrong, "exp or tanh")
    assert re.search(r"FAILED .*TestMine::test_op\[exp\]", out), out
    assert "exp: writes its input number 0" in out


@pytest.mark.parametrize(
    ("bases", "body"),
    [
        ((PluginConformity,), {}),
        ((PluginConformity,), {"plugin": "mine", "test_op": lambda self: None}),
        ((PluginConformity,), {"plugin": "mine", "pytestmark": pytest.mark.skip}),
        ((PluginConformity,), {"plugin": "mine", "pytest_generate_tests": lambda self, metafunc: None}),
        ((PluginConformity,), {"plugin": "mine", "draws": 0}),
        ((PluginConformity,), {"plugin": "mine", "__test__": False}),
        ((type("Mixin", (), {}), PluginConformity), {"plugin": "mine"}),
    ],
)
def test_a_class_that_could_test_less_is_refused(bases, body):
    with pytest.raises(TypeError, match="expected PluginConformity as its only base and `plugin`"):
        type("TestMine", bases, body)


def test_a_class_of_a_class_is_refused():
    mine = type("TestMine", (PluginConformity,), {"plugin": "mine"})
    with pytest.raises(TypeError, match="only base"):
        type("TestOther", (mine,), {"plugin": "other"})
