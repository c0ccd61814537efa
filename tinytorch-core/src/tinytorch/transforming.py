"""What transforms did to a model, kept beside it, so that its weights can be read back.

A transform changes what a model is made of: fewer channels, integer weights. A state dict alone then fits nothing that
the model's own code makes. So each transform notes, in plain values, the structure that it gave; its plugin can give
the same structure to a fresh model (the hook `restructure`), which then takes the weights.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from tinytorch.core.module import Module
from tinytorch.plugins import PluginError, hook_of

PLACE = "_applied_transforms"  # the attribute of a model that lists them


@dataclass(frozen=True)
class Applied:
    """A transform that was applied to a model."""

    plugin: str
    name: str
    structure: dict[str, Any]


def note(model: Module, plugin: str, name: str, structure: dict[str, Any], *, origin: Module | None = None) -> None:
    """Remember that the transform `name` of a plugin gave the model this structure: what JSON can hold, exactly.

    `origin` is the model that it was made from, if it is another one: what was applied to that comes first.
    """
    try:
        json.dumps(structure, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise TypeError(f"note: expected a structure that JSON can hold for '{name}': {error}") from error
    before = applied(model if origin is None else origin)
    setattr(model, PLACE, (*before, Applied(plugin, name, structure)))


def applied(model: Module) -> tuple[Applied, ...]:
    """Return the transforms that were applied to a model, in their order."""
    return getattr(model, PLACE, ())


def noted(model: Module) -> list[dict[str, Any]]:
    """Return what was applied to a model as plain values, for a file; `restructured` takes it."""
    return [asdict(each) for each in applied(model)]


def restructured(model: Module, steps: Any) -> Module:
    """Give an untouched model the structure that those transforms gave, which may make it another model.

    The steps come from a file: those that cannot be raise TypeError or ValueError, a missing plugin PluginError.
    """
    for one in _read(steps):
        hooks = hook_of(one.plugin, f"a model that '{one.name}' was applied to")
        made = hooks.restructure(model=model, name=one.name, structure=one.structure)
        if made is None:
            raise PluginError(f"plugin '{one.plugin}' does not know the transform '{one.name}' that the file names")
        note(made, one.plugin, one.name, one.structure, origin=model)
        model = made
    return model


def _read(steps: Any) -> list[Applied]:
    """The steps that a file lists."""
    if not isinstance(steps, list):
        raise TypeError(f"transforms: expected a list, got {steps!r:.60}")
    kinds = {"plugin": str, "name": str, "structure": dict}
    for step in steps:
        if not isinstance(step, dict) or {name: type(value) for name, value in step.items()} != kinds:
            raise TypeError(f"transforms: expected each with a plugin, a name and a structure, got {step!r:.60}")
    return [Applied(**step) for step in steps]
