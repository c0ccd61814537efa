"""The dispatch table: for each op, the callable that answers it.

One table for each ordered set of enabled plugins, kept once made and swapped in one assignment. With the core
alone a slot *is* the core's kernel, so that absence costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tinytorch.plugins import registry
from tinytorch.plugins.compiling import compile_slot
from tinytorch.plugins.context import overriding
from tinytorch.plugins.errors import PluginError
from tinytorch.plugins.instruments import Instrument, watching
from tinytorch.plugins.manager import Manager
from tinytorch.plugins.process import Selection, process
from tinytorch.plugins.validation import check_implementations
from tinytorch.types import Kernel


class Table(dict[str, Kernel]):
    """The callables of one selection by op name; a slot is compiled when it is first asked for."""

    def __init__(self, selection: Selection, instruments: tuple[Instrument, ...] = (), follows: bool = False) -> None:
        super().__init__()
        self.selection = selection
        self.instruments = instruments  # the innermost first
        self.follows = follows  # the process, when plugins are enabled and disabled
        self.over = False  # its block has ended; who was carried out of it may still ask
        self.around: dict[str, Selection] = {}  # by op: the plugins and instruments whose `wrap_op` stands around it
        self.build()

    def build(self) -> None:
        """Make the registers, at first and whenever an op is declared or a plugin registered anew."""
        self.clear()
        self.plugins = {name: process.state.plugins[name] for name in self.selection}
        self.manager = self._new_manager(self.selection)
        self.orders = {op: self._new_manager(order) for op, order in _orders(self.selection).items()}
        self.manager.followers = [*self.orders.values()]
        self.manager.on_change = self.recompile

    def recompile(self) -> None:
        """Forget the slots: a monitor came or went."""
        with process.lock:
            self.clear()

    def manager_of(self, name: str) -> Manager:
        """Return the register that answers an op: the table's, or one with the op's own order."""
        return self.orders.get(name, self.manager)

    def __missing__(self, name: str) -> Kernel:
        """Compile the slot of an op."""
        if self.over and self.follows:
            return process.table[name]
        op = registry.find(name)
        with process.lock:
            manager = self.manager_of(name)
            for plugin in self.selection:
                check_implementations(plugin, self.plugins[plugin], name)  # kept: some thread may outlast `unregister`
            manager.add_late_op(op)
            slot = self[name] = self._instrumented(op, compile_slot(op, manager, self.instruments))
        return slot

    def __getattr__(self, name: str) -> Kernel:
        """Answer `table.matmul` as `table["matmul"]`."""
        return attribute(self, name)

    def _instrumented(self, op: registry.Declared, call: Kernel) -> Kernel:
        """Let every plugin wrap the call, the one with the highest priority outermost, and instruments around them."""
        around: Selection = ()
        for implementation in self.manager.hook.wrap_op.get_hookimpls():
            at_hand = {"op": op, "call": call}
            wrapped = implementation.function(*[at_hand[name] for name in implementation.argnames])
            if wrapped is None:
                continue
            if not callable(wrapped):
                raise PluginError(
                    f"plugin '{implementation.plugin_name}': wrap_op returned {type(wrapped).__name__} "
                    f"for op '{op.name}', expected a callable or None"
                )
            call, around = wrapped, (implementation.plugin_name, *around)
        for instrument in self.instruments:
            if (watched := instrument.wrap_op(op, call)) is not None:
                call, around = watched, (instrument.name, *around)
        self.around[op.name] = around
        return call

    def _new_manager(self, selection: Selection) -> Manager:
        return Manager({name: self.plugins[name] for name in selection})


def table_for(selection: Selection) -> Table:
    """Return the table of a selection, made once."""
    with process.lock:
        tables = process.state.tables
        if selection not in tables:
            tables[selection] = Table(selection)
        return tables[selection]


@contextmanager
def watched(selection: Selection, instruments: tuple[Instrument, ...], *, follows: bool) -> Iterator[None]:
    """Let a table with these instruments answer in this thread or task."""
    with process.lock:
        table = Table(selection, instruments, follows)
        process.state.watched.append(table)
    try:
        with overriding(table):
            yield
    finally:
        with process.lock:
            process.state.watched = [each for each in process.state.watched if each is not table]
            table.instruments, table.over = (), True
            table.clear()


@contextmanager
def chosen(selection: Selection) -> Iterator[None]:
    """Let these plugins answer in this thread or task, under the instruments that are in force here."""
    with watched(selection, watching(), follows=False) if watching() else overriding(table_for(selection)):
        yield


def follow(selection: Selection) -> None:
    """Have the tables with instruments answer as the process now does, but for those of a `using`."""
    for table in process.state.watched:
        if table.follows:
            table.selection = selection
            table.build()


def rebuild(plugin: str | None = None) -> None:
    """Build anew the tables with this plugin, or all: what they were made of has changed."""
    with process.lock:
        for table in (*process.state.tables.values(), *process.state.watched):
            if plugin is None or plugin in table.selection:
                table.build()


def attribute(table: Any, name: str) -> Kernel:
    """Look up an op as an attribute: what is no op is no attribute."""
    if name.startswith("_"):
        raise AttributeError(name)
    try:
        found: Kernel = table[name]
    except PluginError as error:
        if name in registry.ops():
            raise
        raise AttributeError(str(error)) from error
    return found


def _orders(selection: Selection) -> dict[str, Selection]:
    """Return, by op, the configuration's own order of the plugins of a selection.

    An order that names none of them says nothing about this selection; an empty one means the core alone.
    """
    settings = process.state.settings
    orders = {} if settings is None else settings.per_op
    chosen = {op: tuple(name for name in order if name in selection) for op, order in orders.items()}
    return {op: order for op, order in chosen.items() if order or not orders[op]}


registry.on_change(rebuild)
