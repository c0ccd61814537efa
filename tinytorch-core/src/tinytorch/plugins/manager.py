"""pluggy's register: who implements what, in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

import pluggy

from tinytorch.plugins import hooks, registry
from tinytorch.plugins.errors import PluginError
from tinytorch.types import Kernel

CORE = "core"


class Manager(pluggy.PluginManager):
    """pluggy's register with the core and some plugins; tells its table when a monitor comes or goes."""

    def __init__(self, plugins: dict[str, Any]) -> None:
        """Register the core first and then the plugins, given in the order in which they are to be asked."""
        super().__init__(hooks.PROJECT)
        self.monitors = 0
        self.followers: list[Manager] = []  # registers of ops with an order of their own: monitored like this one
        self.on_change: Callable[[], object] = lambda: None
        self.add_hookspecs(_namespace({hook.__name__: hook for hook in hooks.COLD_HOOKS}))
        if registry.ops():
            self._add_kernels(CORE, registry.ops().values())
        for name in reversed(plugins):  # pluggy asks the last one first
            self._enter(name, plugins[name])

    def add_late_op(self, op: registry.Declared) -> None:
        """Enter an op that was declared after this register was made; plugins may implement it already."""
        caller = getattr(self.hook, op.name, None)
        if caller is None or not caller.has_spec():
            self._add_kernels(f"{CORE}.{op.name}", [op])

    def add_hookcall_monitoring(self, before: Any, after: Any) -> Callable[[], None]:
        """Monitor every hook call until the returned function is called; ops then travel through pluggy."""
        followers = [each.add_hookcall_monitoring(before, after) for each in self.followers]
        undo: list[Callable[[], None]] = [super().add_hookcall_monitoring(before, after), *followers]
        self._count_monitor(1)

        def stop() -> None:
            if undo:
                self._count_monitor(-1)
            while undo:
                undo.pop()()

        return stop

    def _count_monitor(self, change: int) -> None:
        self.monitors += change
        self.on_change()

    def _add_kernels(self, name: str, ops: Iterable[registry.Declared]) -> None:
        """Enter ops: each kernel is the hook's specification and its last implementation at the same time."""
        kernels = _namespace({op.name: op.kernel for op in ops})
        self.add_hookspecs(kernels)
        self.register(kernels, name=name)

    def _enter(self, name: str, plugin: Any) -> None:
        try:
            self.register(plugin, name=name)
        except Exception as error:
            raise PluginError(f"plugin '{name}' cannot be registered: {error}") from error


def _namespace(functions: dict[str, Kernel]) -> ModuleType:
    """Return the functions as pluggy takes them: in a module."""
    module = ModuleType(CORE)
    vars(module).update(functions)
    return module
