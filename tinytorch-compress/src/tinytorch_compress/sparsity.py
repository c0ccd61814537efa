"""A whole model pruned by masks, to a sparsity: the share of its weights that are zero.

Weights are the parameters of two dimensions and more, embeddings excepted; what is tied to one counts as one. Fine-tune
the model then, and make the masks permanent with `prune.remove_all`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from tinytorch import rand
from tinytorch.core.layers import Embedding, Module
from tinytorch.core.module import Parameter
from tinytorch.transforming import note
from tinytorch.types import Array
from tinytorch_compress.choosing import Chooser, n_of_m, share, smallest
from tinytorch_compress.masking import is_masked, mask_of, masked, noted_masks, original, set_masks
from tinytorch_compress.places import left_out

SCOPES = ("global", "layer")


class Weight(NamedTuple):
    """A parameter that can be pruned, and where it is."""

    path: str  # dotted, as in the state of a model without masks
    module: Module
    name: str

    @property
    def values(self) -> Array:
        """What the layer reads: zero where it is pruned."""
        values = original(self.module, self.name).array
        return values * mask_of(self.module, self.name) if is_masked(self.module, self.name) else values

    @property
    def mask(self) -> Array:
        """Its mask, ones where it has none."""
        return mask_of(self.module, self.name)


def weights_of(model: Module, ignored: Iterable[str] = ()) -> list[Weight]:
    """The weights of a model except those in `ignored`, names of modules or parameters in which `*` is anything.

    Raises ValueError where none is left.
    """
    if not isinstance(model, Module):
        raise TypeError(f"prune: expected a module, got {type(model).__name__}")
    found = [*_every_weight(model)]
    without = left_out("prune", ignored, [weight.path for weight in found], "weight")
    kept = [weight for weight in found if weight.path not in without]
    if not kept:
        raise ValueError(f"prune: {type(model).__name__} has no weights that can be pruned")
    if len({id(original(module, name)) for _, module, name in kept}) < len(kept):
        raise ValueError("prune: two layers share a weight; name one of them in ignored")
    return kept


def sparsify(
    model: Module,
    sparsity: float | None = None,
    *,
    pattern: str | None = None,
    scope: str = "global",
    method: str = "magnitude",
    ignored: Iterable[str] = (),
) -> Module:
    """Mask the model's weights until `sparsity` of them are zero, or by a pattern such as "2:4"; return the model.

    The smallest go ("magnitude") or any ("random"), out of all weights ("global") or of each layer's as many; what is
    zero already goes first.
    """
    if (sparsity is None) == (pattern is None):
        raise ValueError("prune: expected either a sparsity or a pattern")
    weights = weights_of(model, ignored)
    masks = _patterned(weights, pattern) if sparsity is None else _pruned(weights, sparsity, scope, method)
    set_masks((weight.module, weight.name, mask) for weight, mask in zip(weights, masks, strict=True))
    known = noted_masks(model)
    bare = [path for path in (_dotted(path, name) for path, _, name in masked(model)) if path not in known]
    if bare:
        note(model, "compress", "prune", {"masked": bare})
    return model


def masked_like(model: Module, structure: dict[str, Any]) -> Module:
    """Give a model masks of ones where `sparsify` once noted some; raises ValueError for names that it has not."""
    names = structure.get("masked")
    known = {
        _dotted(path, name): (module, name)
        for path, module in model.named_modules()
        for name in (
            *dict(module.named_parameters(recurse=False)),
            *(n for n in module.computed if is_masked(module, n)),
        )
    }
    if not isinstance(names, list) or not all(isinstance(name, str) and name in known for name in names):
        raise ValueError(f"prune: expected names of weights that are masked, got {names!r:.80}")
    set_masks((*known[name], mask_of(*known[name])) for name in names)
    return model


def sparsity_of(model: Module, ignored: Iterable[str] = ()) -> float:
    """The share of a model's weights that are zero."""
    every = [weight.values for weight in weights_of(model, ignored)]
    return sum(int(np.count_nonzero(values == 0)) for values in every) / sum(values.size for values in every)


def _every_weight(model: Module) -> Iterable[Weight]:
    embedded = {id(module.weight) for module in model.modules() if isinstance(module, Embedding)}
    for path, module in model.named_modules():
        for key, param in module.named_parameters(recurse=False):
            name = key.removesuffix("_orig") if is_masked(module, key.removesuffix("_orig")) else key
            if _is_weight(param) and id(param) not in embedded:
                yield Weight(_dotted(path, name), module, name)


def _dotted(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _is_weight(param: Parameter) -> bool:
    return param.ndim >= 2 and param.is_floating_point() and param.array.size > 0


def _pruned(weights: list[Weight], sparsity: float, scope: str, method: str) -> list[Array]:
    if scope not in SCOPES or method not in METHODS:
        known = f"scope {' or '.join(SCOPES)} and method {' or '.join(METHODS)}"
        raise ValueError(f"prune: expected {known}, got '{scope}' and '{method}'")
    prune = partial(_up_to, share=share("prune", "sparsity", sparsity), choose=METHODS[method])
    if scope == "layer":
        return [prune(weight.values, weight.mask) for weight in weights]
    joined = (np.concatenate([each.reshape(-1) for each in part]) for part in zip(*map(_both, weights), strict=True))
    parts = np.split(prune(*joined), np.cumsum([weight.values.size for weight in weights])[:-1])
    return [part.reshape(weight.values.shape) for part, weight in zip(parts, weights, strict=True)]


def _up_to(values: Array, mask: Array, share: float, choose: Chooser) -> Array:
    """Prune as many as are lacking to the share of all; what is pruned stays so."""
    wanted = min(round(share * mask.size), mask.size - 1)  # of a model something has to be left
    lacking = wanted - int(np.count_nonzero(mask == 0))
    return choose(values, mask, max(lacking, 0))


def _at_random(values: Array, mask: Array, amount: int) -> Array:
    """Prune what is zero, then anything."""
    return smallest(np.where(values == 0, 0.0, 1.0 - rand(*values.shape).array), mask, amount)


METHODS: dict[str, Chooser] = {"magnitude": smallest, "random": _at_random}


def _both(weight: Weight) -> tuple[Array, Array]:
    return weight.values, weight.mask


def _patterned(weights: list[Weight], pattern: str | None) -> list[Array]:
    """Masks that keep n of m along dim 1, the inputs; raises ValueError for the layers that m does not divide."""
    found = re.fullmatch(r"(\d+):(\d+)", str(pattern))
    if found is None:
        raise ValueError(f"prune: expected a pattern such as '2:4', got {pattern!r}")
    n, m = map(int, found.groups())
    uneven = [weight.path for weight in weights if m and weight.values.shape[1] % m]
    if uneven:
        raise ValueError(f"prune: {pattern} needs a multiple of {m} inputs; name in ignored: {', '.join(uneven)}")
    return [n_of_m(weight.values, weight.mask, n, m, 1) for weight in weights]
