"""Who wins: code, environment, file, nothing; and what is asked for and missing."""

import numpy as np
import pytest
from plugins_for_tests import answering, asked

from tinytorch import plugins
from tinytorch.core.tensor.arithmetic import add
from tinytorch.plugins import PluginError
from tinytorch.plugins.process import process

ONE = np.ones(2)


@pytest.fixture
def three(plugin):
    for number, name in enumerate(("by_file", "by_environment", "by_code")):
        plugin(name, add=answering(10 + number))


FILE = 'plugins = ["by_file"]\n'


@pytest.mark.parametrize(
    ("file", "environment", "code", "enabled"),
    [
        (None, {}, [], ()),
        (FILE, {}, [], ("by_file",)),
        (FILE, {"TINYTORCH_PLUGINS": "by_environment"}, [], ("by_environment",)),
        (FILE, {"TINYTORCH_PLUGINS": ""}, [], ()),
        (FILE, {"TINYTORCH_PLUGINS": " , "}, [], ()),
        (FILE, {"TINYTORCH_PLUGINS": "by_environment, by_file"}, [], ("by_environment", "by_file")),
        (FILE, {"TINYTORCH_DISABLE": "by_file"}, [], ()),
        (None, {"TINYTORCH_PLUGINS": "by_file,by_code", "TINYTORCH_DISABLE": "by_file"}, [], ("by_code",)),
        (FILE, {"TINYTORCH_DISABLE": "by_file"}, ["by_file"], ("by_file",)),
        (FILE, {"TINYTORCH_PLUGINS": ""}, ["by_code"], ("by_code",)),
        (FILE, {}, ["by_code"], ("by_file", "by_code")),
        ("plugins = []\n", {}, [], ()),
        ("# nothing\n", {}, [], ()),
    ],
)
def test_code_goes_before_environment_before_file(three, started, monkeypatch, file, environment, code, enabled):
    if file is not None:
        (started / "tinytorch.toml").write_text(file)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    plugins.enable(*code)
    assert process.state.enabled == enabled
    assert asked() == ({"by_file": 10, "by_environment": 11, "by_code": 12}[enabled[0]] if enabled else 2)


def test_disable_in_code_goes_before_the_file_even_before_it_is_read(three, started):
    (started / "tinytorch.toml").write_text(FILE)
    plugins.disable("by_file")
    assert asked() == 2


def test_the_list_says_who_set_it(three, started, monkeypatch):
    (started / "tinytorch.toml").write_text('plugins = ["by_file", "by_environment"]')
    monkeypatch.setenv("TINYTORCH_DISABLE", "by_environment")
    plugins.enable("by_code")
    told = {status.name: (status.state, status.why) for status in plugins.list()}
    assert told == {
        "by_file": ("enabled", f"set by file {started / 'tinytorch.toml'}"),
        "by_code": ("enabled", "set by code"),
        "by_environment": ("available", "disabled by environment TINYTORCH_DISABLE"),
    }
    plugins.disable("by_file")
    assert {each.name: each.why for each in plugins.list()}["by_file"] == "disabled by code"


def test_what_the_file_asks_for_and_is_missing_is_an_error_until_it_is_disabled(started):
    (started / "tinytorch.toml").write_text('plugins = ["quant"]')
    for _ in range(2):
        with pytest.raises(PluginError, match="pip install tinytorch-quant") as raised:
            add.run(ONE, ONE)
        assert str(started / "tinytorch.toml") in raised.value.__notes__[0]
    plugins.disable("quant")
    assert asked() == 2


def test_using_works_while_the_file_asks_for_what_is_missing(started, mine):
    (started / "tinytorch.toml").write_text('plugins = ["quant"]\n[mine]\nthreads = 3\n')
    with plugins.using("mine"):
        assert asked() == 7
    assert mine == [{"threads": 3}]
