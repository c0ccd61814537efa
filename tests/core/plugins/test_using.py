"""`using`: exactly these plugins, in this thread or task, and no longer than the block."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from plugins_for_tests import answering, asked

from tinytorch import plugins
from tinytorch.plugins import PluginError, hookimpl


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
