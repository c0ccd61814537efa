"""What is in force here and now, under the names that people use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pluggy

from tinytorch.plugins.activation import current
from tinytorch.plugins.errors import PluginError
from tinytorch.plugins.manager import Manager
from tinytorch.plugins.tables import attribute, table_for
from tinytorch.types import Kernel


class _InForce:
    """`table.matmul`: the callable that would answer `matmul` here and now."""

    def __getitem__(self, name: str) -> Kernel:
        return current()[name]

    def __getattr__(self, name: str) -> Kernel:
        return attribute(self, name)


table = _InForce()


def manager() -> Manager:
    """Return pluggy's register in force here; who monitors it sees the calls of this selection of plugins."""
    return current().manager


def hook() -> pluggy.HookRelay:
    """Return the cold hooks in force here: `plugins.hook().make_generation_cache(model=...)`."""
    return current().manager.hook


def transforms() -> dict[str, Callable[..., Any]]:
    """Return the model transforms of the plugins in force here by name: `plugins.transforms()["prune"](model)`.

    They change results: enabling their plugin does nothing to a model, a person calls them. Raises PluginError for two
    of one name, and for what cannot be called.
    """
    found: dict[str, Callable[..., Any]] = {}
    origins: dict[str, str] = {}
    for plugin in current().selection:
        own: dict[str, Callable[..., Any]] = {}
        table_for((plugin,)).manager.hook.register_transforms(transforms=own)
        for name, transform in own.items():
            if not callable(transform):
                raise PluginError(
                    f"plugin '{plugin}': transform '{name}' is {type(transform).__name__}, expected a callable"
                )
            if name in found:
                raise PluginError(
                    f"plugins '{origins[name]}' and '{plugin}' both bring a transform '{name}'; enable one of them"
                )
            found[name], origins[name] = transform, plugin
    return found
