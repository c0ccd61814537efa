"""The seam: how plugins are found, enabled and asked.

pluggy keeps the register and checks it; a compiled table answers the calls. Nothing is imported that was
not asked for: *installed, discovered (metadata only), enabled (imported, configured), active in the table*.

A plugin is a module that imports `hookimpl` from here; its functions are named like the ops they replace.

Read in this order: hooks, registry, exactness, direct, options, process, context, instruments, validation, manager,
compiling, tables; then config, discovery, loading, activation, access; then inspection, listing, editing.
"""

from tinytorch.plugins.access import hook, manager, table, transforms
from tinytorch.plugins.activation import disable, enable, hook_of, instrumented, register, unregister, using
from tinytorch.plugins.context import carry
from tinytorch.plugins.direct import answered_by
from tinytorch.plugins.errors import PluginError
from tinytorch.plugins.exactness import Exactness, close, exact
from tinytorch.plugins.hooks import hookimpl, hookspec
from tinytorch.plugins.instruments import Instrument
from tinytorch.plugins.listing import PluginStatus, explain, list_plugins
from tinytorch.plugins.options import Options
from tinytorch.plugins.tables import Table

list = list_plugins  # `tinytorch.plugins.list()` reads as the command `tinytorch plugins` does

__all__ = [
    "Exactness",
    "Instrument",
    "Options",
    "PluginError",
    "PluginStatus",
    "Table",
    "answered_by",
    "carry",
    "close",
    "disable",
    "enable",
    "exact",
    "explain",
    "hook",
    "hook_of",
    "hookimpl",
    "hookspec",
    "instrumented",
    "list",
    "manager",
    "register",
    "table",
    "transforms",
    "unregister",
    "using",
]
