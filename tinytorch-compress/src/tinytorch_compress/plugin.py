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
    from tinytorch_compress import execution, low_rank, prune, sparsity, structured

    transforms["prune"] = sparsity.sparsify
    transforms["remove_masks"] = prune.remove_all
    transforms["prune_structured"] = structured.transform
    transforms["low_rank"] = low_rank.factorize
    transforms["sparse"] = execution.transform


@hookimpl
def restructure(model: Module, name: str, structure: dict[str, Any]) -> Module | None:
    """Give a fresh model what a transform once noted."""
    from tinytorch_compress import execution, low_rank, masking, sparsity, structured

    known: dict[str, Callable[[Module, dict[str, Any]], Module]] = {
        "prune": sparsity.masked_like,
        "remove_masks": lambda model, _: masking.settle_all(model),
        "prune_structured": structured.restructure,
        "low_rank": low_rank.factorized_like,
        "sparse": execution.sparse_like,
    }
    return known[name](model, structure) if name in known else None
