"""The two switches of the core that need a plugin to be turned on."""

import pytest

from tinytorch import plugins
from tinytorch.core.acceleration import use_optimized_backend
from tinytorch.core.caching import disable_kv_caching, enable_kv_caching
from tinytorch.plugins import PluginError, discovery, hookimpl
from tinytorch.plugins.process import process

SWITCHES = [
    pytest.param(
        "accel",
        use_optimized_backend,
        lambda: use_optimized_backend(False),
        "the optimized backend needs the plugin 'accel': pip install tinytorch-accel",
        id="accel",
    ),
    pytest.param(
        "cache",
        enable_kv_caching,
        disable_kv_caching,
        "KV caching needs the plugin 'cache': pip install tinytorch-cache",
        id="cache",
    ),
]


@pytest.mark.parametrize(("name", "on", "off", "message"), SWITCHES)
def test_turning_on_what_is_not_installed_says_what_to_install(monkeypatch, name, on, off, message):
    monkeypatch.setattr(discovery, "installed", dict)
    with pytest.raises(PluginError) as raised:
        on()
    assert str(raised.value) == message


@pytest.mark.parametrize(("name", "on", "off", "message"), SWITCHES)
def test_turning_off_is_always_allowed(name, on, off, message):
    off()
    off()
    assert process.state.enabled == ()


@pytest.mark.parametrize(("name", "on", "off", "message"), SWITCHES)
def test_the_switch_enables_and_disables_the_plugin(plugin, name, on, off, message):
    plugin(name, describe=hookimpl(lambda: "for this test"))
    on()
    assert process.state.enabled == (name,)
    assert plugins.hook().describe() == ["for this test"]
    off()
    assert process.state.enabled == ()
