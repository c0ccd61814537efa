"""Enabling: from configured to active; code goes before environment, environment before file."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

from tinytorch.plugins import discovery, registry
from tinytorch.plugins.context import here
from tinytorch.plugins.errors import PluginError
from tinytorch.plugins.instruments import Instrument, watching
from tinytorch.plugins.loading import expand, load, settings, unload
from tinytorch.plugins.process import Selection, process
from tinytorch.plugins.tables import Table, chosen, follow, rebuild, table_for, watched
from tinytorch.plugins.validation import check_plugin
from tinytorch.types import Kernel

if TYPE_CHECKING:
    from tinytorch.plugins.config import Settings

Function = TypeVar("Function", bound=Callable[..., Any])


def enable(*names: str) -> None:
    """Enable plugins for the whole process, after those that are enabled already (the order is the priority).

    Raises PluginError for a plugin that is missing or broken, and then nothing has changed.
    """
    with process.lock:
        configure_process()
        names = expand(names)
        for name in names:
            load(name)
        state = process.state
        new = [name for name in names if name not in state.enabled]
        _select((*state.enabled, *new))
        state.origins.update(dict.fromkeys(new, "code"))
        state.disabled.difference_update(names)
        state.leaving.difference_update(names)


def disable(*names: str) -> None:
    """Disable plugins for the whole process; one that is not enabled, or not even installed, is no error."""
    with process.lock:
        state = process.state
        state.disabled.update(names)
        if state.ready:  # else file and environment will be read without them
            _select(tuple(name for name in state.enabled if name not in names))
        for name in names:
            state.origins.pop(name, None)
            if state.users[name]:
                state.leaving.add(name)
            else:
                unload(name)


class using:  # noqa: N801  it reads as a keyword
    """Use exactly these plugins, in this order, in this thread or task; `using()` is the core alone.

    A context manager and a decorator. Other threads and tasks see nothing of it; `carry` takes it to them.
    """

    def __init__(self, *names: str) -> None:
        self.names = names
        self._entered: list[Any] = []

    def __enter__(self) -> None:
        held = _held(self.names)
        held.__enter__()
        self._entered.append(held)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._entered.pop().__exit__(kind, error, trace)

    def __call__(self, function: Function) -> Function:
        """Decorate a function, a coroutine function too: each call of it runs inside."""
        names = self.names
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(
                f"using: cannot decorate the generator {function.__name__}, whose caller runs in between; "
                f"write `with using(...)` around what it does between two yields"
            )

        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with using(*names):
                return function(*args, **kwargs)

        @wraps(function)
        async def wait(*args: Any, **kwargs: Any) -> Any:
            with using(*names):
                return await function(*args, **kwargs)

        return wait if inspect.iscoroutinefunction(function) else call  # type: ignore[return-value]  # of its signature


@contextmanager
def _held(names: Selection) -> Iterator[None]:
    with process.lock:
        state = process.state
        names = expand(names)
        for name in names:
            load(name)
        state.users.update(names)
    try:
        with chosen(names):
            yield
    finally:
        with process.lock:
            state.users.subtract(names)
            for name in names:
                if name in state.leaving and not state.users[name]:
                    state.leaving.remove(name)
                    unload(name)


@contextmanager
def instrumented(instrument: Instrument) -> Iterator[None]:
    """Let an instrument look at this thread or task, over the plugins that are in force and around other instruments.

    Nothing is left of it after the block, and other threads and tasks see nothing of it; `carry` takes it to them.
    """
    table = current()
    of_process = here() is None
    with watched(table.selection, (*watching(), instrument), follows=of_process or table.follows):
        yield


def register(plugin: Any, name: str) -> None:
    """Make a plugin known that no distribution brings: a module or an object with `@hookimpl` functions.

    It is then enabled like any other. Registering another one under the same name replaces it.
    """
    check_plugin(name, plugin)
    with process.lock:
        state = process.state
        unload(name)
        state.sources.pop(name, None)
        state.broken.pop(name, None)
        state.plugins[name] = plugin
        rebuild(name)
        if name in state.enabled:
            load(name)


def unregister(name: str) -> None:
    """Forget a plugin that `register` made known: it is disabled, gives back what it took, and is listed no more.

    Raises PluginError for one that nobody registered, and while a `using` holds it.
    """
    with process.lock:
        state = process.state
        if name not in state.plugins or name in state.sources:
            raise PluginError(f"unregister: there is no plugin '{name}' that was registered")
        if state.users[name]:
            raise PluginError(f"unregister: plugin '{name}' is in use; leave the `using` that names it first")
        if name in state.enabled:
            _select(tuple(each for each in state.enabled if each != name))
        try:
            unload(name)
        finally:
            for known in (state.plugins, state.origins, state.broken, state.users):
                known.pop(name, None)
            state.tables = {chosen: table for chosen, table in state.tables.items() if name not in chosen}


def require(name: str, purpose: str) -> None:
    """Enable the plugin that a switch needs; raise PluginError that says what to install."""
    check_installed(name, purpose)
    enable(name)


def hook_of(name: str, purpose: str) -> pluggy.HookRelay:
    """Return the cold hooks of one plugin, which need not be enabled; raise PluginError that says what to install."""
    check_installed(name, purpose)
    with process.lock:
        load(name)
    return table_for((name,)).manager.hook


def check_installed(name: str, purpose: str) -> None:
    """Raise PluginError that says what to install where a plugin is missing."""
    if name not in process.state.plugins and name not in discovery.installed():
        raise PluginError(f"{purpose} needs the plugin '{name}': pip install tinytorch-{name}")


def current() -> Table:
    """Return the table in force here: the context's own, or the process's."""
    found = here()
    if isinstance(found, Table) and not (found.over and found.follows):
        return found
    configure_process()
    return table_for(process.state.enabled)


def configure_process() -> None:
    """Read file and environment, once, and enable what they ask for."""
    with process.lock:
        state = process.state
        if state.ready:
            return
        asked = settings()
        state.ready = True  # for plugins that enable another one while they are configured
        try:
            _enable_asked(asked)
        except BaseException as error:
            state.ready = False  # asked for and broken: every call says so until it is repaired or disabled
            if isinstance(error, PluginError):
                error.add_note(f"asked for by {asked.origin}; disable(...) or TINYTORCH_DISABLE leaves a plugin out")
            raise


def _enable_asked(asked: Settings) -> None:
    state = process.state
    left_out = asked.disabled | state.disabled
    names = tuple(name for name in expand(asked.plugins or ()) if name not in left_out)
    for name in names:
        load(name)
    _check_file(asked, complete=not left_out and asked.plugins == (asked.in_file or None))
    state.origins.update((name, asked.origin) for name in names)
    _select((*names, *state.enabled))


def _check_file(asked: Settings, *, complete: bool) -> None:
    """Raise PluginError for ops and plugins in the file that do not exist, and sections that nearly do."""
    named = {*asked.in_file, *discovery.OURS, *process.state.plugins}
    try:
        for op, order in asked.per_op.items():
            if complete:  # else a plugin that is left out may be the one that declares it
                registry.find(op)
            for name in order:
                if name not in named:
                    discovery.find(name)
        for section in asked.options:
            if section not in named and registry.did_you_mean(section, named):
                discovery.find(section)
    except PluginError as error:
        raise PluginError(f"{asked.path}: {error}") from error


def _select(selection: Selection) -> None:
    selection = tuple(dict.fromkeys(selection))
    table = table_for(selection)
    process.state.enabled = selection
    process.table = table  # the one assignment that switches the process
    follow(selection)


class Unconfigured(dict[str, Kernel]):
    """The first table of a process: its first look-up reads the configuration and puts the real one there."""

    def __missing__(self, name: str) -> Kernel:
        configure_process()
        return process.table[name]


process.table = Unconfigured()
