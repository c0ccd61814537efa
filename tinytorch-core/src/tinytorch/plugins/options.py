"""Typed options: what a plugin may be told in the configuration."""

from __future__ import annotations

from typing import Any, NamedTuple

from tinytorch.plugins.errors import PluginError
from tinytorch.plugins.registry import did_you_mean

ALLOWED = (bool, int, float, str, list)  # what TOML can say


class Option(NamedTuple):
    """One option as a plugin declares it."""

    name: str
    type: type
    default: Any
    help: str


class Options:
    """The options of one plugin."""

    def __init__(self, plugin: str) -> None:
        self.plugin = plugin
        self.declared: dict[str, Option] = {}

    def add(self, name: str, type: type, *, default: Any, help: str = "") -> None:
        """Declare an option: its type is one of bool, int, float, str, list."""
        if type not in ALLOWED:
            raise PluginError(f"option '{name}' of plugin '{self.plugin}': type must be bool, int, float, str or list")
        if name in self.declared:
            raise PluginError(f"option '{name}' of plugin '{self.plugin}' is declared twice")
        if default is not None and default.__class__ is not type:
            raise PluginError(f"option '{name}' of plugin '{self.plugin}': default {default!r} is no {type.__name__}")
        self.declared[name] = Option(name, type, default, help)

    def resolve(self, given: dict[str, Any]) -> dict[str, Any]:
        """Check what the configuration says and fill in the defaults."""
        for name in given:
            if name not in self.declared:
                hint = did_you_mean(name, self.declared)
                raise PluginError(f"[{self.plugin}] {name}: the plugin has no such option{hint}")
        return {name: self._checked(option, given) for name, option in self.declared.items()}

    def _checked(self, option: Option, given: dict[str, Any]) -> Any:
        value = given.get(option.name, option.default)
        if option.type is float and type(value) is int:
            return float(value)
        if option.name in given and type(value) is not option.type:
            raise PluginError(
                f"[{self.plugin}] {option.name}: expected {option.type.__name__}, got {type(value).__name__} {value!r}"
            )
        return value
