"""Masks on parameters: `weight` becomes `weight_orig` times `weight_mask`, whenever it is read.

The names are PyTorch's, so that states carry over: `weight_orig` is the parameter as it was, the same object that an
optimizer knows, and `weight_mask` a buffer of ones and zeros. The product is made by the module's `computed` attribute:
always up to date, its gradient is zero where the mask is, and nothing about the layer is replaced.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinytorch.core.module import Module, Parameter
from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.inplace import note_write
from tinytorch.transforming import applied
from tinytorch.types import Array


@dataclass(frozen=True)
class Masked:
    """Computes a parameter of a module from the original and the mask beside it."""

    name: str

    def __call__(self, module: Module) -> Tensor:
        """Multiply the original by the mask."""
        param: Tensor = getattr(module, f"{self.name}_orig")
        return param * mask_tensor(module, self.name)


def is_masked(module: Module, name: str) -> bool:
    """Whether this parameter of this very module has a mask."""
    return isinstance(module.computed.get(name), Masked)


def original(module: Any, name: Any) -> Parameter:
    """The parameter behind a name, whether it has a mask or not; raises ValueError where there is none."""
    if not isinstance(module, Module) or not isinstance(name, str):
        got = f"{type(module).__name__} and {name!r:.60}"
        raise TypeError(f"prune: expected a module and the name of a parameter, got {got}")
    key = f"{name}_orig" if is_masked(module, name) else name
    found = dict(module.named_parameters(recurse=False)).get(key)
    if found is None:
        raise ValueError(f"prune: {type(module).__name__} has no parameter '{name}'")
    if not found.is_floating_point() or not found.array.size:
        raise ValueError(f"prune: nothing can be pruned in '{name}' of shape {found.shape}, {found.dtype}")
    return found


def mask_tensor(module: Module, name: str) -> Tensor:
    """The buffer that holds the mask of a parameter which has one."""
    mask: Tensor = getattr(module, f"{name}_mask")
    return mask


def mask_of(module: Module, name: str) -> Array:
    """The mask of a parameter, ones where it has none."""
    values = original(module, name).array
    return mask_tensor(module, name).array if is_masked(module, name) else np.ones_like(values)


def set_mask(module: Module, name: str, mask: Array) -> None:
    """Give a parameter this mask instead of the one it has, if it has one."""
    set_masks([(module, name, mask)])


def set_masks(wanted: Iterable[tuple[Module, str, Array]]) -> None:
    """Give parameters these masks; raises ValueError before any is changed."""
    every = [*wanted]
    for module, name, mask in every:
        _check_mask(module, name, mask)
    for module, name, mask in every:
        param = original(module, name)
        tensor = Tensor(np.ascontiguousarray(mask, param.array.dtype))
        if is_masked(module, name):
            setattr(module, f"{name}_mask", tensor)
        else:
            delattr(module, name)
            module.register_parameter(f"{name}_orig", param)
            module.register_buffer(f"{name}_mask", tensor)
            module.register_computed(name, Masked(name))


def _check_mask(module: Module, name: str, mask: Array) -> None:
    param = original(module, name)
    if mask.shape != param.shape:
        raise ValueError(f"prune: a mask of shape {mask.shape} does not fit '{name}' of shape {param.shape}")
    for taken in (f"{name}_orig", f"{name}_mask"):
        if not is_masked(module, name) and hasattr(module, taken):
            raise ValueError(f"prune: {type(module).__name__} has a '{taken}' of its own")


def settle(module: Module, name: str) -> None:
    """Make a mask permanent: the same parameter under its old name, zero where it is pruned."""
    param, mask = original(module, name), mask_of(module, name)
    param.array[mask == 0.0] = 0.0  # not by a product, which leaves -0.0
    note_write(param.array)
    for part in (f"{name}_orig", f"{name}_mask", name):
        delattr(module, part)
    module.register_parameter(name, param)


def settle_all(model: Module) -> Module:
    """Make all masks of a model permanent."""
    for _, module, name in [*masked(model)]:
        settle(module, name)
    return model


def noted_masks(model: Module) -> set[str]:
    """The dotted names of the parameters whose masks are noted on a model."""
    names: set[str] = set()
    for step in applied(model):
        if step.plugin == "compress" and step.name == "prune":
            names |= {*step.structure["masked"]}
        elif step.plugin == "compress" and step.name == "remove_masks":
            names = set()
    return names


def masked(model: Module) -> Iterator[tuple[str, Module, str]]:
    """All masked parameters: the module's dotted name, the module, and the parameter's name in it."""
    for path, module in model.named_modules():
        for name in [*module.computed]:
            if is_masked(module, name):
                yield path, module, name
