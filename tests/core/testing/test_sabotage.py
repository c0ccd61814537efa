"""What is wrong is named: the op, the kind of mistake, an input that shows it; and what is right is left alone."""

import pytest
from sabotage import SABOTAGES, restored

from tinytorch import plugins
from tinytorch.plugins import PluginError
from tinytorch.testing import check_plugin, examine
from tinytorch.testing.plugins import make


@pytest.fixture(autouse=True)
def _restored():
    with restored():
        yield


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=str)
def test_sabotage_is_named(sabotage):
    plugins.register(sabotage.plugin(), "sabotage")
    tried = sabotage.tried or sabotage.op
    problems = [problem for found in examine("sabotage", [tried]) for problem in found.problems]
    assert sabotage.check in {problem.check for problem in problems}, problems


def test_the_sentence_names_plugin_op_mistake_and_input():
    plugins.register(next(each for each in SABOTAGES if each.name == "writes its input").plugin(), "sabotage")
    with pytest.raises(AssertionError) as caught:
        check_plugin("sabotage", ["exp"])
    text = str(caught.value)
    assert text.startswith("plugin 'sabotage' can be told from the core:\n  exp: ")
    assert "exp: writes its input number 0 (small input: float32[" in text


def test_a_misspelt_op_is_not_passed_over():
    with pytest.raises(PluginError, match="'expp' is not an op"):
        check_plugin("loopback", ["expp"])


@pytest.mark.parametrize("name", ["loopback", "decliner"])
def test_what_is_right_is_left_alone(name):
    """For one seed: `scripts/find_false_alarms.py` tries twenty, and slower plugins."""
    plugins.register(make(name), name)
    check_plugin(name, draws=1)
