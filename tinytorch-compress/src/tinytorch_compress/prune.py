"""Pruning by PyTorch's names: the functions of `torch.nn.utils.prune`, with their arguments and masks.

Each function masks one parameter of one module and returns the module; a second one prunes what the first has left.
`amount` is a share of that from 0.0 to 1.0, or a count. New here is `nm_unstructured`. Whatever is refused changes
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, TypeVar

import numpy as np

from tinytorch.core.module import Module
from tinytorch.core.tensor import Tensor
from tinytorch.transforming import note
from tinytorch.types import Array
from tinytorch_compress import choosing
from tinytorch_compress.choosing import Chooser
from tinytorch_compress.choosing import at_random as RandomUnstructured
from tinytorch_compress.choosing import smallest as L1Unstructured
from tinytorch_compress.masking import (
    is_masked,
    mask_of,
    masked,
    noted_masks,
    original,
    set_mask,
    set_masks,
    settle,
    settle_all,
)

AnyModule = TypeVar("AnyModule", bound=Module)

__all__ = [
    "L1Unstructured",
    "RandomUnstructured",
    "custom_from_mask",
    "global_unstructured",
    "identity",
    "is_pruned",
    "l1_unstructured",
    "ln_structured",
    "nm_unstructured",
    "random_structured",
    "random_unstructured",
    "remove",
    "remove_all",
]


def identity(module: AnyModule, name: str) -> AnyModule:
    """Give a parameter a mask that prunes nothing."""
    set_mask(module, name, mask_of(module, name))
    return module


def l1_unstructured(module: AnyModule, name: str, amount: float, importance_scores: Tensor | None = None) -> AnyModule:
    """Prune the numbers that are least in magnitude, or in that of their importance."""
    return _prune(module, name, partial(choosing.smallest, amount=amount), importance_scores)


def random_unstructured(module: AnyModule, name: str, amount: float) -> AnyModule:
    """Prune numbers at random."""
    return _prune(module, name, partial(choosing.at_random, amount=amount))


def ln_structured(
    module: AnyModule,
    name: str,
    amount: float,
    n: float | str,
    dim: int,
    importance_scores: Tensor | None = None,
) -> AnyModule:
    """Prune the slices along `dim` of the least L_n norm; the parameter keeps its shape."""
    chooser = partial(choosing.smallest_channels, amount=amount, n=n, dim=dim)
    return _prune(module, name, chooser, importance_scores)


def random_structured(module: AnyModule, name: str, amount: float, dim: int) -> AnyModule:
    """Prune slices along `dim` at random; the parameter keeps its shape."""
    return _prune(module, name, partial(choosing.random_channels, amount=amount, dim=dim))


def nm_unstructured(
    module: AnyModule,
    name: str,
    n: int = 2,
    m: int = 4,
    dim: int = 1,
    importance_scores: Tensor | None = None,
) -> AnyModule:
    """Keep the n largest of every m neighbours along `dim`: 2:4 along the inputs is what sparse tensor cores take."""
    return _prune(module, name, partial(choosing.n_of_m, n=n, m=m, dim=dim), importance_scores)


def custom_from_mask(module: AnyModule, name: str, mask: Any) -> AnyModule:
    """Prune where a mask of the parameter's shape is 0; elsewhere it must be 1."""
    given = np.asarray(mask.array if isinstance(mask, Tensor) else mask)
    if not np.isin(given, (0, 1)).all():
        raise ValueError("custom_from_mask: expected a mask of zeros and ones")
    before = mask_of(module, name)
    if given.shape != before.shape:
        raise ValueError(f"prune: a mask of shape {given.shape} does not fit '{name}' of shape {before.shape}")
    set_mask(module, name, before * given)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: Chooser,
    importance_scores: Mapping[tuple[Module, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune several parameters as if they were one: `global_unstructured(parameters, L1Unstructured, amount=0.5)`."""
    if pruning_method not in {L1Unstructured, RandomUnstructured}:
        expected = "L1Unstructured or RandomUnstructured as pruning_method"
        raise TypeError(f"global_unstructured: expected {expected}, got {pruning_method!r}")
    if kwargs.keys() != {"amount"}:
        raise TypeError(
            f"global_unstructured: expected an amount and no other option, got {', '.join(kwargs) or 'none'}"
        )
    pairs = _pairs(parameters)
    given = importance_scores or {}
    scores = [_scores(module, name, given.get((module, name))) for module, name in pairs]
    masks = [mask_of(module, name) for module, name in pairs]
    whole = pruning_method(*(np.concatenate([each.reshape(-1) for each in part]) for part in (scores, masks)), **kwargs)
    ends = np.cumsum([mask.size for mask in masks])[:-1]
    parts = [part.reshape(mask.shape) for part, mask in zip(np.split(whole, ends), masks, strict=True)]
    set_masks((module, name, part) for (module, name), part in zip(pairs, parts, strict=True))


def remove(module: AnyModule, name: str) -> AnyModule:
    """Make a mask permanent: the parameter has its old name again, and zeros."""
    if not is_masked(module, name):
        raise ValueError(f"remove: '{name}' of {type(module).__name__} has no mask; prune it first")
    settle(module, name)
    return module


def remove_all(model: AnyModule) -> AnyModule:
    """Make all masks of a model permanent."""
    if is_pruned(model) or noted_masks(model):
        settle_all(model)
        note(model, "compress", "remove_masks", {})
    return model


def is_pruned(module: Module) -> bool:
    """Whether any part of a module has a mask."""
    return next(masked(module), None) is not None


def _prune(module: AnyModule, name: str, chooser: Chooser, importance_scores: Tensor | None = None) -> AnyModule:
    mask = mask_of(module, name)
    set_mask(module, name, chooser(_scores(module, name, importance_scores), mask))
    return module


def _scores(module: Module, name: str, importance: Tensor | None) -> Array:
    """What says which numbers go: the pruned parameter, or what was given in its place."""
    param = original(module, name)
    if importance is None:
        return param.array * mask_of(module, name)
    if not isinstance(importance, Tensor):
        raise TypeError(f"prune: expected importance as a Tensor, got {type(importance).__name__}")
    if importance.shape != param.shape:
        raise ValueError(f"prune: importance of shape {importance.shape} does not fit '{name}' of shape {param.shape}")
    return importance.array


def _pairs(parameters: Iterable[tuple[Module, str]]) -> list[tuple[Module, str]]:
    pairs = list(parameters)
    if not pairs:
        raise ValueError("global_unstructured: expected one parameter at least, got none")
    if len({id(original(module, name)) for module, name in pairs}) < len(pairs):
        raise ValueError("global_unstructured: a parameter is named more than once")
    return pairs
