"""Where things are in a model: names that somebody wants left out, and putting layers in the place of others."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from typing import Any

from tinytorch.core.module import Module


def left_out(function: str, ignored: Any, known: Iterable[str], what: str) -> dict[str, str]:
    """The dotted names among `known` that `ignored` means, each with the pattern that does.

    A pattern such as "conv1" or "*.shortcut" stands for what is called so and for all within it. Raises ValueError for
    one that means nothing, TypeError for what are no names.
    """
    patterns: list[Any] = [ignored] if isinstance(ignored, str) or not isinstance(ignored, Iterable) else [*ignored]
    if not all(isinstance(each, str) for each in patterns):
        raise TypeError(f"{function}: expected names as ignored, got {ignored!r:.60}")
    names, found = [*known], dict[str, str]()
    for pattern in patterns:
        meant = {name: pattern for name in names if _means(pattern, name)}
        if not meant:
            raise ValueError(f"{function}: there is no {what} '{pattern}' to ignore; there are {_listed(names)}")
        found = {**meant, **found}
    return found


def replace(model: Module, layers: Mapping[Any, Module]) -> None:
    """Put layers in the places of others, in every place where those are; it cannot fail any more."""
    for holder in [*model.modules()]:
        for name, part in [*holder.named_children()]:
            if part in layers:
                holder.add_module(name, layers[part])


def _means(pattern: str, name: str) -> bool:
    return fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(name, f"{pattern}.*")


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "none"
