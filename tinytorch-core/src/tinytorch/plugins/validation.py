"""The rules that a plugin must keep, checked when it is registered, before it can answer anything."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pluggy

from tinytorch.plugins import hooks, registry
from tinytorch.plugins.errors import PluginError
from tinytorch.types import Kernel

COLD = {hook.__name__: hook for hook in hooks.COLD_HOOKS}
RESERVED = {"all", "core", "ops", "plugins"}  # these mean something in the configuration


def implementations(plugin: Any) -> Iterator[tuple[str, Kernel, dict[str, Any]]]:
    """Give the functions marked `@hookimpl`: the hook that each answers, itself, its marks."""
    for attribute in dir(plugin):
        function = inspect.getattr_static(plugin, attribute, None)
        marks = _marks(function)
        if marks is not None:
            yield marks["specname"] or attribute, getattr(plugin, attribute), marks


def implemented_ops(plugin: Any) -> dict[str, Kernel]:
    """Return the plugin's implementations of ops by name."""
    return {hook: function for hook, function, _ in implementations(plugin) if hook in registry.ops()}


def check_name(name: str) -> None:
    """Raise PluginError for what cannot name a plugin in the configuration and on the command line."""
    if not name.replace("-", "_").isidentifier() or name in RESERVED:
        raise PluginError(
            f"'{name}' cannot name a plugin: expected letters, digits, - and _, and none of "
            f"{', '.join(sorted(RESERVED))}"
        )


def check_plugin(name: str, plugin: Any) -> None:
    """Raise PluginError for the first rule of the seam that the plugin breaks."""
    check_name(name)
    if inspect.isclass(plugin):
        raise PluginError(f"plugin '{name}' is the class {plugin.__name__}; expected a module or an object")
    try:
        found = [*implementations(plugin)]
    except Exception as error:
        raise PluginError(f"plugin '{name}' cannot be looked at: {type(error).__name__}: {error}") from error
    if not found:
        raise PluginError(
            f"plugin '{name}' is a {type(plugin).__name__} without a function marked @hookimpl; "
            f"expected a module or an object that has some"
        )
    for hook, function, marks in found:
        _check(name, hook, function, marks)


def check_implementations(name: str, plugin: Any, op: str) -> None:
    """Raise PluginError if the plugin implements this op wrongly; it may have been declared since."""
    for hook, function, marks in implementations(plugin):
        if hook == op:
            _check(name, hook, function, marks)


def _check(name: str, hook: str, function: Any, marks: dict[str, Any]) -> None:
    if not (inspect.isfunction(function) or inspect.ismethod(function)):
        raise PluginError(f"plugin '{name}' marks '{hook}', a {type(function).__name__}; wrap it in a function")
    if marks["hookwrapper"]:
        raise PluginError(f"plugin '{name}' marks '{hook}' hookwrapper; use wrapper=True")
    if hook in COLD:
        _check_kind(name, hook, function, wrapper=marks["wrapper"])
        _check_arguments(name, hook, function, marks, tuple(inspect.signature(COLD[hook]).parameters))
    elif hook in registry.ops():
        _check_order(name, hook, marks)
        _check_kind(name, hook, function, wrapper=marks["wrapper"])
        _check_arguments(name, hook, function, marks, registry.find(hook).arguments)
    elif not marks["optionalhook"]:
        hint = registry.did_you_mean(hook, [*registry.ops(), *COLD])
        raise PluginError(f"plugin '{name}' defines '{hook}', which is not an op{hint}")


def _check_order(name: str, hook: str, marks: dict[str, Any]) -> None:
    if marks["trylast"]:
        raise PluginError(
            f"plugin '{name}' marks '{hook}' trylast; behind the core's kernel, which always answers, "
            f"it would never be asked"
        )
    if marks["tryfirst"]:
        raise PluginError(f"plugin '{name}' marks '{hook}' tryfirst; the order of plugins is the person's to choose")


def _check_kind(name: str, hook: str, function: Kernel, *, wrapper: bool) -> None:
    if wrapper and hook == "wrap_op":
        raise PluginError(
            f"plugin '{name}' marks 'wrap_op' wrapper=True; it is asked once for each op: return a callable"
        )
    if inspect.isgeneratorfunction(function) != wrapper:
        kind = "wrapper=True but never yields" if wrapper else "no wrapper but yields; mark it wrapper=True"
        raise PluginError(f"plugin '{name}': '{hook}' is {kind}")
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise PluginError(f"plugin '{name}': '{hook}' is async; expected a plain function")


def _check_arguments(name: str, hook: str, function: Kernel, marks: Any, allowed: tuple[str, ...]) -> None:
    names = ", ".join(allowed) or "none"
    arguments = inspect.signature(function).parameters
    for argument in arguments.values():
        if argument.kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD:
            raise PluginError(
                f"plugin '{name}': '{hook}' takes '{argument.name}' as {argument.kind.description}; "
                f"expected plain arguments among {names}"
            )
        if argument.default is not argument.empty:
            raise PluginError(f"plugin '{name}': '{hook}' gives '{argument.name}' a default, which no call needs")
        if argument.name not in allowed:
            hint = registry.did_you_mean(argument.name, allowed)
            raise PluginError(f"plugin '{name}': '{hook}' has no argument '{argument.name}', only {names}{hint}")
    if tuple(arguments) != tuple(pluggy.HookImpl(None, name, function, marks).argnames):
        raise PluginError(f"plugin '{name}': '{hook}' hides its arguments from pluggy; write them in its def")


def _marks(function: Any) -> dict[str, Any] | None:
    """Return what `@hookimpl` wrote on a function, below staticmethod and classmethod too."""
    marks = getattr(function, f"{hooks.PROJECT}_impl", None)
    if marks is None:
        marks = getattr(getattr(function, "__func__", None), f"{hooks.PROJECT}_impl", None)
    return marks if isinstance(marks, dict) else None
