"""The face of the plugin `compress`: what it tells the core."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tinytorch.plugins import hookimpl

if TYPE_CHECKING:
    from tinytorch.core.module import Module


@hookimpl
def describe() -> str:
    """Say in one sentence what the plugin is for."""
    return "prunes, factorizes and distils models, when somebody asks for it"


@hookimpl
def register_transforms(transforms: dict[str, Callable[..., Any]]) -> None:
    """Name what can be done to a model."""
    from tinytorch_compress import structured

    transforms["prune_structured"] = structured.transform


@hookimpl
def restructure(model: Module, name: str, structure: dict[str, Any]) -> Module | None:
    """Give a fresh model what a transform once noted."""
    from tinytorch_compress import structured

    return structured.restructure(model, structure) if name == "prune_structured" else None
