"""From pluggy's order of implementations to one callable.

`pm.hook.matmul(a=..., b=...)` costs microseconds, a direct call a twentieth of that. So the order is read
once and folded, from the core's kernel outwards, into nested closures that take the arguments by position.
They answer as pluggy would, and raise as pluggy would; they add the name of the plugin to what it raises,
and refuse what is no result.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import numpy as np
import pluggy

from tinytorch.plugins.direct import answering
from tinytorch.plugins.errors import PluginError
from tinytorch.plugins.instruments import Instrument
from tinytorch.plugins.manager import Manager
from tinytorch.plugins.registry import Declared
from tinytorch.types import Kernel


def compile_slot(op: Declared, manager: Manager, instruments: tuple[Instrument, ...] = ()) -> Kernel:
    """Make the callable that answers an op: the kernel itself where no plugin implements it.

    The instruments are told which plugin answered.
    """
    caller = getattr(manager.hook, op.name)
    asked = caller.get_hookimpls()[::-1]  # in the order of calling: wrappers, plugins, the core's kernel
    if manager.monitors:
        return _through_pluggy(op, caller, asked, instruments)
    call = op.kernel
    for implementation in reversed([each for each in asked[:-1] if not each.wrapper]):
        call = _attempt(op, implementation, call, instruments)
    wrappers = [each for each in asked if each.wrapper]
    for implementation in reversed(wrappers):
        call = _wrapped(op, implementation, call, instruments)
    return _checking(op, wrappers, call) if wrappers else call


def by_position(op: Declared, implementation: pluggy.HookImpl) -> Kernel:
    """Make a callable that takes all of the op's arguments by position, of one that names some of them."""
    function = answering(implementation.function)
    if tuple(implementation.argnames) == op.arguments:
        return function
    places = [op.arguments.index(name) for name in implementation.argnames]
    return lambda *args: function(*[args[place] for place in places])


def _attempt(
    op: Declared, implementation: pluggy.HookImpl, otherwise: Kernel, instruments: tuple[Instrument, ...]
) -> Kernel:
    """Ask a plugin; where it declines, ask the next."""
    plugin, function = implementation.plugin_name, by_position(op, implementation)
    for each in instruments:
        function = _telling(function, plugin, each)
    array = np.ndarray if op.outputs == 1 else None

    def call(*args: Any) -> Any:
        try:
            out = function(*args)
        except Exception as error:
            blame(error, plugin, op)
            raise
        if type(out) is array:
            return out  # most answers: small ones notice a further call
        if out is None:
            return otherwise(*args)
        return _checked(op, out, plugin)

    return call


def _telling(function: Kernel, plugin: str, instrument: Instrument) -> Kernel:
    """Tell an instrument when the plugin has answered."""

    def call(*args: Any) -> Any:
        out = function(*args)
        if out is not None:
            instrument.answered(plugin)
        return out

    return call


def _wrapped(
    op: Declared, implementation: pluggy.HookImpl, inner: Kernel, instruments: tuple[Instrument, ...]
) -> Kernel:
    """Run a wrapper around a call: up to its yield before, from there on after; with another result, it answers."""
    plugin, function = implementation.plugin_name, by_position(op, implementation)

    def call(*args: Any) -> Any:
        wrapper = function(*args)
        _start(wrapper, plugin, op)
        try:
            out = inner(*args)
        except BaseException as error:  # noqa: BLE001  the wrapper decides what becomes of it
            given = _resume(wrapper.throw, error, plugin, op)
        else:
            given = _resume(wrapper.send, out, plugin, op)
            if given is out:
                return given
        for each in instruments:
            each.answered(plugin)
        return given

    return call


def _start(wrapper: Generator[None, Any, Any], plugin: str, op: Declared) -> None:
    try:
        next(wrapper)
    except StopIteration:
        raise _misbehaved(plugin, op, "did not yield") from None
    except Exception as error:
        blame(error, plugin, op)
        raise


def _resume(proceed: Callable[[Any], None], came: Any, plugin: str, op: Declared) -> Any:
    """Hand the wrapper what came of the call, a result or an exception, and take its own."""
    try:
        proceed(came)
    except StopIteration as stop:
        return stop.value
    except Exception as error:
        if error is came:
            raise
        if isinstance(came, StopIteration) and type(error) is RuntimeError and error.__cause__ is came:
            raise came from came.__cause__  # Python makes it a RuntimeError on its way through a generator
        blame(error, plugin, op)
        raise
    raise _misbehaved(plugin, op, "yielded twice")


def _misbehaved(plugin: str, op: Declared, what: str) -> RuntimeError:
    return RuntimeError(f"op '{op.name}': the wrapper of plugin '{plugin}' {what}; it must yield exactly once")


def _checking(op: Declared, wrappers: list[pluggy.HookImpl], call: Kernel) -> Kernel:
    names = "' or '".join(each.plugin_name for each in wrappers)
    return lambda *args: _checked(op, call(*args), names)


def _through_pluggy(
    op: Declared, caller: pluggy.HookCaller, asked: list[pluggy.HookImpl], instruments: tuple[Instrument, ...]
) -> Kernel:
    """Call as pluggy's own users do, so that monitors and tracers see it; who of them answers, it does not tell."""
    names = ", ".join(each.plugin_name for each in asked)

    def call(*args: Any) -> Any:
        try:
            out = caller(**dict(zip(op.arguments, args, strict=True)))
        except Exception as error:
            error.add_note(f"raised in op '{op.name}', asked of {names} through pluggy")
            raise
        for each in instruments if len(asked) > 1 else ():
            each.answered(f"one of {names}")
        return _checked(op, out, names)

    return call


def _checked(op: Declared, out: Any, plugin: str) -> Any:
    """Return what a plugin gave, if it is something that the op can give."""
    if type(out) is np.ndarray and op.outputs == 1:
        return out
    if out is NotImplemented:
        raise PluginError(f"op '{op.name}' of plugin '{plugin}' returned NotImplemented; return None to decline")
    if out is None:
        raise PluginError(f"op '{op.name}': the wrapper of plugin '{plugin}' returned None; return what yield gave")
    if not _fits(op, out):
        raise PluginError(f"op '{op.name}' of plugin '{plugin}' returned {_told(out)}, expected {_expected(op)}")
    return out


def _fits(op: Declared, out: Any) -> bool:
    """Return whether an op can give this; one that does not say how many arrays may give any number."""
    if op.inplace:
        return out is True
    if type(out) is tuple:
        return op.outputs != 1 and op.outputs in {None, len(out)} and all(_is_array(each) for each in out)
    return op.outputs in {None, 1} and _is_array(out)


def _is_array(out: Any) -> bool:
    return isinstance(out, (np.ndarray, np.generic)) or getattr(out, "__array_ufunc__", None) is not None


def _expected(op: Declared) -> str:
    if op.inplace:
        return "True: done"
    return f"a tuple of {op.outputs} arrays" if (op.outputs or 1) > 1 else "an array"


def _told(out: Any) -> str:
    return f"({', '.join(type(each).__name__ for each in out)})" if type(out) is tuple else type(out).__name__


def blame(error: Exception, plugin: str, op: Declared) -> None:
    """Say in a note which plugin raised it; the exception stays what it is."""
    error.add_note(f"raised by plugin '{plugin}' in op '{op.name}'")
