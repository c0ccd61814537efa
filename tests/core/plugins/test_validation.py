"""Mistakes in plugins: each is refused when the plugin is registered, with a sentence that says why."""

import inspect
from types import SimpleNamespace

import numpy as np
import pytest

from tinytorch import plugins
from tinytorch.core.tensor import op
from tinytorch.plugins import PluginError, hookimpl


def hidden(*args):
    """Pretends to have arguments."""


hidden.__signature__ = inspect.signature(lambda a: None)


def generator(a):
    yield


async def coroutine(a):
    """Answers later."""


MISTAKES = {
    "a misspelt op": ({"matmull": lambda a: a}, {}, "'matmull', which is not an op; did you mean 'matmul'?"),
    "a misspelt hook": (
        {"describ": lambda: ""},
        {},
        "'describ', which is not an op; did you mean 'describe'?",
    ),
    "an unknown op": ({"zzz": lambda: 1}, {}, "defines 'zzz', which is not an op"),
    "an argument the op lacks": (
        {"matmul": lambda a, bb: a},
        {},
        "no argument 'bb', only a, b; did you mean 'b'?",
    ),
    "a default": ({"matmul": lambda a, b=1: a}, {}, "gives 'b' a default, which no call needs"),
    "a keyword-only argument": ({"matmul": lambda a, *, b: a}, {}, "takes 'b' as keyword-only"),
    "a positional-only argument": ({"matmul": lambda a, /: a}, {}, "takes 'a' as positional-only"),
    "any arguments": ({"matmul": lambda *args: 1}, {}, "takes 'args' as variadic positional"),
    "any keywords": ({"matmul": lambda **named: 1}, {}, "takes 'named' as variadic keyword"),
    "hidden arguments": ({"matmul": hidden}, {}, "'matmul' hides its arguments from pluggy"),
    "trylast": ({"matmul": lambda a: a}, {"trylast": True}, "it would never be asked"),
    "tryfirst": (
        {"matmul": lambda a: a},
        {"tryfirst": True},
        "the order of plugins is the person's to choose",
    ),
    "an old wrapper": ({"matmul": generator}, {"hookwrapper": True}, "hookwrapper; use wrapper=True"),
    "a wrapper that is none": ({"matmul": lambda a: a}, {"wrapper": True}, "wrapper=True but never yields"),
    "a generator": ({"matmul": generator}, {}, "no wrapper but yields; mark it wrapper=True"),
    "a coroutine": ({"matmul": coroutine}, {}, "'matmul' is async; expected a plain function"),
    "a wrapped wrap_op": (
        {"wrap_op": generator},
        {"wrapper": True},
        "asked once for each op: return a callable",
    ),
    "an argument a hook lacks": ({"configure": lambda opts: 1}, {}, "no argument 'opts', only options"),
    "a callable object": (
        {"matmul": SimpleNamespace()},
        {},
        "'matmul', a SimpleNamespace; wrap it in a function",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_refused_when_the_plugin_is_registered(mistake):
    functions, marks, message = MISTAKES[mistake]
    marked = {name: mark(function, marks) for name, function in functions.items()}
    with pytest.raises(PluginError) as raised:
        plugins.register(SimpleNamespace(**marked), "mine")
    assert str(raised.value).startswith("plugin 'mine'")
    assert message in str(raised.value)


def mark(function, marks):
    """Mark as `hookimpl` does, a function of this file only for this test."""
    if isinstance(function, SimpleNamespace):
        function.tinytorch_impl = {"specname": None}
        return function
    return hookimpl(function, **marks)


def test_two_implementations_of_one_op_are_both_checked():
    mine = SimpleNamespace(add=hookimpl(lambda a: a), more=hookimpl(lambda wrong: wrong, specname="add"))
    with pytest.raises(PluginError, match="'add' has no argument 'wrong'"):
        plugins.register(mine, "mine")


@pytest.mark.parametrize("name", ["all", "core", "ops", "plugins", "", "two words", "a,b", "1st", "a.b"])
def test_a_name_with_a_meaning_in_the_configuration_is_refused(name):
    with pytest.raises(PluginError, match="cannot name a plugin"):
        plugins.register(SimpleNamespace(add=hookimpl(lambda a: a)), name)


class Plugin:
    """A plugin as a class with methods."""

    @hookimpl
    def add(self, a, b):
        return a - b

    @hookimpl
    @staticmethod
    def describe():
        return "subtracts"


class Hostile:
    """An object that nobody can look at."""

    def __dir__(self):
        raise RuntimeError("go away")


@pytest.mark.parametrize(
    ("plugin", "message"),
    [
        (None, "is a NoneType without a function marked @hookimpl"),
        (42, "is a int without a function marked @hookimpl"),
        (SimpleNamespace(add=lambda a, b: a), "without a function marked @hookimpl"),
        (Plugin, "is the class Plugin; expected a module or an object"),
        (Hostile(), "cannot be looked at: RuntimeError: go away"),
    ],
    ids=["None", "number", "unmarked", "class", "hostile"],
)
def test_what_is_no_plugin_is_refused(plugin, message):
    with pytest.raises(PluginError, match=message):
        plugins.register(plugin, "mine")


def test_an_object_with_methods_is_a_plugin():
    plugins.register(Plugin(), "mine")
    plugins.enable("mine")
    assert plugins.table.add(np.array(5), np.array(3)) == 2
    assert plugins.hook().describe() == ["subtracts"]


def test_the_same_object_under_two_names_is_refused_when_both_are_enabled():
    mine = SimpleNamespace(add=hookimpl(lambda a: a))
    plugins.register(mine, "one")
    plugins.register(mine, "two")
    with pytest.raises(PluginError, match="plugin 'one' cannot be registered: Plugin already registered"):
        plugins.enable("one", "two")
    assert [name for name, _ in plugins.explain("add")] == ["core"]
    assert {each.state for each in plugins.list()} == {"available"}


@pytest.mark.parametrize(
    ("signature", "message"),
    [
        ("lambda x, axis=0: x", "expected plain arguments without defaults"),
        ("lambda *args: args", "expected plain arguments without defaults"),
        ("lambda x, *, axis: x", "expected plain arguments without defaults"),
    ],
)
def test_an_op_takes_plain_arguments(signature, message):
    with pytest.raises(TypeError, match=message):
        op(eval(signature))  # noqa: S307  source beside its message
