"""What is in force here and now, under the names that people use."""

from __future__ import annotations

import pluggy

from tinytorch.plugins.activation import current
from tinytorch.plugins.manager import Manager
from tinytorch.plugins.tables import attribute
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
