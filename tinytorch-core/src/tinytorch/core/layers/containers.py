"""Modules made of modules."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tinytorch.core.module import Module
from tinytorch.core.tensor.numbers import whole

if TYPE_CHECKING:
    from tinytorch.core.tensor import Tensor


class Sequential(Module):
    """Modules one after the other; `Sequential(a, b)` or `Sequential(OrderedDict(first=a, second=b))`."""

    def __init__(self, *args: Any) -> None:
        super().__init__()
        named = args[0].items() if len(args) == 1 and isinstance(args[0], OrderedDict) else enumerate(args)
        for name, module in named:
            if not isinstance(module, Module):
                raise TypeError(f"Sequential: expected modules, got {type(module).__name__} at {name}")
            self.add_module(str(name), module)

    def forward(self, input: Tensor) -> Tensor:
        """Pass the input through all parts in order."""
        for module in self:
            input = module(input)
        return input

    def append(self, module: Module) -> Sequential:
        """Add a part at the end."""
        self.add_module(str(len(self)), module)
        return self

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return self.children()

    def __getitem__(self, index: int | slice) -> Any:
        """One part, or a Sequential of some."""
        if isinstance(index, slice):
            return Sequential(OrderedDict(list(self.named_children())[index]))
        return _at(self, index)


class ModuleList(Module):
    """A list whose modules are registered; it computes nothing."""

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        super().__init__()
        self.extend(modules)

    def append(self, module: Module) -> ModuleList:
        """Add a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> ModuleList:
        """Add modules at the end."""
        if not isinstance(modules, Iterable):
            raise TypeError(f"ModuleList: expected modules, got {type(modules).__name__}")
        for module in modules:
            self.append(module)
        return self

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return self.children()

    def __getitem__(self, index: int | slice) -> Any:
        """One module, or a ModuleList of some."""
        if isinstance(index, slice):
            return ModuleList(list(self.children())[index])
        return _at(self, index)

    def __setitem__(self, index: int, module: Module) -> None:
        """Replace a module."""
        _at(self, index)
        self.add_module(str(index % len(self)), module)


class ModuleDict(Module):
    """A dict whose modules are registered; it computes nothing."""

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        super().__init__()
        if modules is not None and not isinstance(modules, Mapping):
            raise TypeError(f"ModuleDict: expected modules by name, got {type(modules).__name__}")
        for name, module in (modules or {}).items():
            self.add_module(name, module)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, name: str) -> bool:
        return name in self._modules

    def __getitem__(self, name: str) -> Module:
        """The module of that name."""
        if name not in self._modules:
            raise KeyError(f"ModuleDict: no module '{name}'; there are {', '.join(self._modules) or 'none'}")
        return self._modules[name]  # type: ignore[return-value]  # a module dict holds no None

    def __setitem__(self, name: str, module: Module) -> None:
        """Add or replace a module."""
        self.add_module(name, module)

    def items(self) -> Iterator[tuple[str, Module]]:
        """Names and modules."""
        return self.named_children()

    def keys(self) -> Iterator[str]:
        """Names."""
        return iter(self)

    def values(self) -> Iterator[Module]:
        """Modules."""
        return self.children()


def _at(container: Sequential | ModuleList, index: int) -> Module:
    """One part by its place; negative ones count from the end."""
    name, size = type(container).__name__, len(container)
    if not -size <= whole(name, "an index", index) < size:
        raise IndexError(f"{name}: index {index} is out of range for {size} modules")
    return list(container.children())[index]
