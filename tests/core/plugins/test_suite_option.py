"""`pytest --plugin NAME`: the core's suite accepts plugins that are right and catches those that are wrong."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]


def run(*options):
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "core/test_answers.py", *options]
    return subprocess.run(command, cwd=TESTS, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("name", ["loopback", "decliner"])
def test_the_suite_passes_under_a_right_plugin(name):
    out = run("--plugin", name)
    assert f"under the plugin {name}" in out
    assert re.search(r"3 passed", out)


def test_the_suite_catches_a_liar():
    assert "3 failed" in run("--plugin", "liar")


def test_the_suite_says_which_plugin_raised():
    out = run("--plugin", "raiser")
    assert "3 failed" in out
    assert "raised by plugin 'raiser' in op 'add'" in out


def test_the_suite_says_what_to_do_about_a_missing_plugin():
    assert "plugin 'nobody' is not installed" in run("--plugin", "nobody")


def test_without_the_option_the_core_answers_alone():
    assert "the core alone" in run()
