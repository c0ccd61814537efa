"""Enabling and disabling for the whole process: for whom it holds, what is given back, what threads see."""

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from plugins_for_tests import answering, asked

from tinytorch import plugins
from tinytorch.core.tensor.arithmetic import add
from tinytorch.plugins import PluginError, hookimpl
from tinytorch.plugins.process import process

ONE = np.ones(2)


def test_nothing_asked_for_is_the_core_alone(mine):
    assert asked() == 2
    assert mine == []


def test_enable_holds_in_the_whole_process(mine):
    plugins.enable("mine")
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(asked).result() == asked() == 7


def test_enable_changes_nothing_if_one_of_the_plugins_is_missing(mine):
    with pytest.raises(PluginError, match="'missing' is not installed"):
        plugins.enable("mine", "missing")
    assert asked() == 2


def test_enable_again_keeps_the_order(plugin, mine):
    plugin("other", add=answering(8))
    plugins.enable("mine", "other")
    plugins.enable("other", "mine")
    assert process.state.enabled == ("mine", "other")


def test_disable_is_always_allowed():
    plugins.disable("never_heard_of")
    assert asked() == 2


def test_a_plugin_is_configured_when_enabled_and_unconfigured_when_disabled(mine):
    plugins.enable("mine")
    plugins.enable("mine")
    assert mine == [{"threads": 2}]
    plugins.disable("mine")
    assert mine == [{"threads": 2}, "unconfigured"]
    plugins.disable("mine")
    plugins.enable("mine")
    assert mine == [{"threads": 2}, "unconfigured", {"threads": 2}]


def test_registering_anew_unconfigures_the_old_one(plugin, mine):
    plugins.enable("mine")
    plugin("mine", add=answering(9))
    assert mine[-1] == "unconfigured"
    assert asked() == 9


def test_an_exception_in_unconfigure_is_told_but_the_plugin_is_off(plugin):
    def unconfigure():
        raise OSError("busy")

    plugin("mine", add=answering(7), unconfigure=hookimpl(unconfigure))
    plugins.enable("mine")
    with pytest.raises(PluginError, match="'mine' is disabled, but unconfigure raised OSError: busy"):
        plugins.disable("mine")
    assert asked() == 2


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3)])
def test_a_plugin_that_cannot_be_configured_is_not_enabled(plugin, error):
    def configure():
        raise error

    plugin("mine", add=answering(7), configure=hookimpl(configure))
    with pytest.raises(PluginError, match="plugin 'mine' cannot be configured") as raised:
        plugins.enable("mine")
    assert raised.value.__cause__ is error
    assert asked() == 2


def test_while_a_plugin_is_configured_the_core_answers_it(plugin, started):
    answers = []
    plugin("mine", add=answering(7), configure=hookimpl(lambda: answers.append(asked())))
    (started / "tinytorch.toml").write_text('plugins = ["mine"]')
    assert asked() == 7
    assert answers == [2]


def test_a_plugin_may_enable_another_one(plugin, started):
    plugin("other", add=answering(8))
    plugin("mine", configure=hookimpl(lambda: plugins.enable("other")))
    (started / "tinytorch.toml").write_text('plugins = ["mine"]')
    assert asked() == 8
    assert process.state.enabled == ("mine", "other")


def test_register_returns_nothing_and_lists_the_version():
    plugins.register(SimpleNamespace(__version__="3.1", add=answering(7)), "mine")
    (status,) = plugins.list()
    assert (status.name, status.version, status.distribution, status.ops) == ("mine", "3.1", "-", ("add",))


def test_a_plugin_that_is_unregistered_is_off_and_leaves_nothing(mine):
    before = plugins.list()
    plugins.register(SimpleNamespace(add=answering(8)), "short")
    plugins.enable("short", "mine")
    with plugins.using("mine", "short"):
        assert asked() == 7
    assert asked() == 8
    plugins.unregister("short")
    assert asked() == 7
    plugins.unregister("mine")
    assert asked() == 2
    assert mine[-1] == "unconfigured"
    assert len(before) == 1
    assert plugins.list() == []
    assert [*process.state.tables] == [()]


def test_a_plugin_that_nobody_registered_cannot_be_unregistered(install):
    install("brought", "from tinytorch.plugins import hookimpl\n\n@hookimpl\ndef describe():\n    return 'here'\n")
    with plugins.using("brought"):
        pass
    for name in ("brought", "missing"):
        with pytest.raises(PluginError, match=f"unregister: there is no plugin '{name}' that was registered"):
            plugins.unregister(name)


def test_what_was_installed_comes_back_when_what_replaced_it_is_unregistered(install):
    source = "import numpy as np\nfrom tinytorch.plugins import hookimpl\n\n"
    install("mine", source + "@hookimpl\ndef add(a):\n    return np.full_like(a, 5)\n")
    plugins.register(SimpleNamespace(add=answering(7)), "mine")
    plugins.unregister("mine")
    with plugins.using("mine"):
        assert asked() == 5


def test_a_plugin_in_use_is_not_unregistered(mine):
    with plugins.using("mine"):
        with pytest.raises(PluginError, match="plugin 'mine' is in use; leave the `using` that names it first"):
            plugins.unregister("mine")
        assert asked() == 7


def test_an_exception_in_unconfigure_is_told_but_the_plugin_is_forgotten(plugin):
    def unconfigure():
        raise OSError("busy")

    plugin("mine", add=answering(7), unconfigure=hookimpl(unconfigure))
    plugins.enable("mine")
    with pytest.raises(PluginError, match="'mine' is disabled, but unconfigure raised OSError: busy"):
        plugins.unregister("mine")
    assert asked() == 2
    assert plugins.list() == []


def test_what_is_carried_beyond_the_plugin_goes_on_with_it(mine):
    with plugins.using("mine"):
        carried = plugins.carry(asked)
    plugins.unregister("mine")
    assert carried() == 7


# threads


def test_threads_that_toggle_and_call_see_one_answer_or_the_other(mine):
    wrong, stop = [], threading.Event()

    def call():
        while not stop.is_set():
            if asked() not in {2, 7}:
                wrong.append(asked())

    with ThreadPoolExecutor(3) as pool:
        callers = [pool.submit(call) for _ in range(3)]
        try:
            for _ in range(50):
                plugins.enable("mine")
                plugins.disable("mine")
        finally:
            stop.set()
    assert [caller.result() for caller in callers] == [None] * 3
    assert not wrong
    assert asked() == 2


def test_the_first_calls_of_many_threads_configure_once(started, plugin):
    log = []
    plugin("mine", add=answering(7), configure=hookimpl(lambda: log.append("configured")))
    (started / "tinytorch.toml").write_text('plugins = ["mine"]')
    barrier = threading.Barrier(8)

    def first():
        barrier.wait()
        return int(add.run(ONE, ONE)[0])

    with ThreadPoolExecutor(8) as pool:
        answers = [future.result() for future in [pool.submit(first) for _ in range(8)]]
    assert answers == [7] * 8
    assert log == ["configured"]
