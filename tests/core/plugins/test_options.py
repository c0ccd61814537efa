"""Typed options: what a plugin declares, and what the file may say of them."""

import pytest
from plugins_for_tests import asked

from tinytorch import plugins
from tinytorch.plugins import PluginError, hookimpl


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('threads = "many"', r"\[mine\] threads: expected int, got str 'many'"),
        ("threads = true", r"\[mine\] threads: expected int, got bool True"),
        ("thread = 2", r"\[mine\] thread: the plugin has no such option; did you mean 'threads'?"),
    ],
)
def test_an_option_that_the_plugin_did_not_declare_so_is_refused(started, mine, text, message):
    (started / "tinytorch.toml").write_text(f'plugins = ["mine"]\n[mine]\n{text}\n')
    with pytest.raises(PluginError, match=message):
        asked()


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda options: options.add("x", dict, default={}), "type must be bool, int, float, str or list"),
        (lambda options: options.add("x", int, default="a"), "default 'a' is no int"),
        (lambda options: [options.add("x", int, default=1) for _ in range(2)], "declared twice"),
    ],
)
def test_an_option_is_declared_with_a_type_and_a_default_of_it(plugin, declare, message):
    plugin("mine", register_options=hookimpl(declare))
    with pytest.raises(PluginError, match=message):
        plugins.enable("mine")
