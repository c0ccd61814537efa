"""Enabling, disabling and using: who wins, for whom it holds, and what is given back."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from tinytorch import plugins
from tinytorch.core.tensor.arithmetic import add
from tinytorch.plugins import PluginError, hookimpl
from tinytorch.plugins.process import process

ONE = np.ones(2)


def answering(number):
    return hookimpl(lambda a: np.full_like(a, number))


def asked():
    """Who answers `add` here: the number of a plugin made by `answering`, 2 for the core."""
    return int(plugins.table.add(ONE, ONE)[0])


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


# enable and disable


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


# using


def test_using_holds_inside_and_ends_outside(mine):
    with plugins.using("mine"):
        assert asked() == 7
        with plugins.using():
            assert asked() == 2
        assert asked() == 7
    assert asked() == 2


def test_using_ends_after_an_exception(mine):
    with pytest.raises(KeyError), plugins.using("mine"):
        raise KeyError
    assert asked() == 2


def test_using_means_exactly_these(plugin, mine):
    plugin("other", multiply=hookimpl(lambda a: a * 0))
    plugins.enable("mine")
    with plugins.using("other"):
        assert asked() == 2


def test_using_a_missing_plugin_raises_and_changes_nothing():
    with pytest.raises(PluginError, match="'missing' is not installed"), plugins.using("missing"):
        pass
    assert asked() == 2


def test_using_decorates_a_function(mine):
    @plugins.using("mine")
    def decorated(offset, *, scale=1):
        """Some words."""
        return asked() * scale + offset

    assert decorated(1, scale=2) == 15
    assert decorated(0) == 7
    assert decorated.__name__ == "decorated"
    assert decorated.__doc__ == "Some words."
    assert asked() == 2


def test_using_decorates_a_recursive_function(mine):
    @plugins.using("mine")
    def countdown(n):
        return [asked()] + (countdown(n - 1) if n else [])

    assert countdown(3) == [7] * 4


def test_using_decorates_a_coroutine_function(mine):
    @plugins.using("mine")
    async def decorated():
        await asyncio.sleep(0)
        return asked()

    async def main():
        task = asyncio.ensure_future(decorated())
        await asyncio.sleep(0)
        return asked(), await task

    assert asyncio.run(main()) == (2, 7)


def test_using_refuses_to_decorate_a_generator():
    with pytest.raises(TypeError, match="cannot decorate the generator numbers"):

        @plugins.using("mine")
        def numbers():
            yield 1


def test_using_does_not_leak_to_another_thread(mine):
    with plugins.using("mine"), ThreadPoolExecutor(1) as pool:
        assert pool.submit(asked).result() == 2


def test_carry_takes_using_to_other_threads(mine):
    with plugins.using("mine"):
        carried = plugins.carry(asked)
    with ThreadPoolExecutor(4) as pool:
        assert [future.result() for future in [pool.submit(carried) for _ in range(20)]] == [7] * 20


def test_using_does_not_leak_to_another_task(mine):
    async def inside(entered, leave):
        with plugins.using("mine"):
            entered.set()
            await leave.wait()
            return asked()

    async def main():
        entered, leave = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(inside(entered, leave))
        await entered.wait()
        outside = asked()
        leave.set()
        return outside, await task

    assert asyncio.run(main()) == (2, 7)


def test_enable_inside_using_is_seen_outside_of_it(plugin, mine):
    plugin("other", add=answering(8))
    with plugins.using("mine"):
        plugins.enable("other")
        assert asked() == 7
    assert asked() == 8


def test_disable_waits_for_the_last_using_before_it_unconfigures(mine):
    with plugins.using("mine"):
        with plugins.using("mine"):
            plugins.disable("mine")
        assert asked() == 7
        assert "unconfigured" not in mine
    assert mine[-1] == "unconfigured"


def test_using_keeps_a_disabled_plugin_configured_for_the_next_time(mine):
    plugins.disable("mine")
    for _ in range(3):
        with plugins.using("mine"):
            assert asked() == 7
    assert mine == [{"threads": 2}]


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


# precedence: code, environment, file, nothing


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


# options


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


def test_register_returns_nothing_and_lists_the_version():
    plugins.register(SimpleNamespace(__version__="3.1", add=answering(7)), "mine")
    (status,) = plugins.list()
    assert (status.name, status.version, status.distribution, status.ops) == ("mine", "3.1", "-", ("add",))
