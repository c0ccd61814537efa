"""The structure of a pruned model: which indices its parameters kept, and the sizes that its modules know of.

It is plain JSON, so that a file can hold it: `{"kept": {parameter: {axis: indices}}, "sizes": {module: {attribute:
size}}}`. Cutting a model to a structure is the same for a model that is pruned and a fresh one whose numbers are loaded
afterwards; the structure may come from a file, so nothing in it is trusted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tinytorch.core.module import Module
    from tinytorch.core.tensor import Tensor
    from tinytorch.tracing import Call, Value
    from tinytorch.types import Array
    from tinytorch_compress.structured.groups import Dependencies, Unit

Structure = dict[str, dict[str, Any]]
OF_WEIGHT = {0: ("out_features", "out_channels", "num_features", "num_channels"), 1: ("in_features", "embedding_dim")}
SAYING = ("weight", "weight_orig", "running_mean")  # a masked weight is saved as weight_orig
OF_CALL: dict[str, dict[str, int]] = {  # the size of axis 1 of which argument; of linear the last axis
    "conv2d": {"in_channels": 0},
    "attention": {"heads": 0, "num_heads": 0, "kv_heads": 1},
    "layer_norm": {"num_groups": 0},
    "linear": {"embed_dim": 0, "kdim": 0, "vdim": 0},
}
SIZES = {*OF_WEIGHT[0], *OF_WEIGHT[1], *[name for names in OF_CALL.values() for name in names], "groups"}


def structure_of(model: Module, found: Dependencies, removed: list[Array]) -> Structure:
    """Return the structure of the model without these units: bool, (units,) for each group."""
    kept: dict[str, dict[str, list[int]]] = {}
    shapes = {name: tensor.shape for name, tensor in tensors(model).items()}
    for (name, axis), indices in _all_removed(found, removed).items():
        stays = np.ones(shapes[name][axis], bool)
        stays[indices] = False
        kept.setdefault(name, {})[str(axis)] = np.flatnonzero(stays).tolist()
    roots = [root for group, out in zip(found.groups, removed, strict=True) for root in np.array(group.roots)[out]]
    return {"kept": kept, "sizes": _sizes(model, found, kept, np.array(roots, np.int64))}


def _all_removed(found: Dependencies, removed: list[Array]) -> Unit:
    """The removed indices of every axis."""
    parts: dict[tuple[str, int], list[Array]] = {}
    for group, out in zip(found.groups, removed, strict=True):
        for number in np.flatnonzero(out):
            for axis, indices in group.units[number].items():
                parts.setdefault(axis, []).append(indices)
    return {axis: np.concatenate(each) for axis, each in parts.items()}


def _sizes(model: Module, found: Dependencies, kept: dict[str, dict[str, list[int]]], roots: Array) -> Structure:
    """The attributes in which modules keep a size that changes: of their weight, or of what they call an op on.

    Python's numbers cannot be traced back to where a module has them from, so these go by PyTorch's names. A module
    that keeps a size under another name fails when the pruned model is run, and nothing has changed.
    """
    sizes: Structure = {}
    modules, held = dict(model.named_modules()), tensors(model)

    def change(path: str, attribute: str, before: int, after: int) -> None:
        if before != after and modules[path].__dict__.get(attribute) == before:
            sizes.setdefault(path, {})[attribute] = after

    for name, axes in kept.items():
        path, _, leaf = name.rpartition(".")
        for place, indices in axes.items() if leaf in SAYING else ():
            for attribute in OF_WEIGHT.get(int(place), ()):
                change(path, attribute, held[name].shape[int(place)], len(indices))
    for call in found.graph.calls:
        for attribute, argument in OF_CALL.get(call.op, {}).items():
            value, axis = call.inputs[argument], -1 if call.op == "linear" else 1
            change(call.module, attribute, value.shape[axis], found.flow.kept(value, axis, roots))
        if call.op == "conv2d":
            change(call.module, "groups", call.inputs[-1], _groups_left(found, call, roots))
    return sizes


def _groups_left(found: Dependencies, call: Call, roots: Array) -> int:
    x: Value = call.inputs[0]
    groups: int = call.inputs[-1]
    return groups if groups == 1 else found.flow.kept(x, 1, roots) * groups // x.shape[1]


def tensors(model: Module) -> dict[str, Tensor]:
    """Parameters and buffers by name, shared ones once."""
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


def cut(model: Module, structure: Structure) -> None:
    """Give a model the structure, its parameters staying the same objects; or raise, and nothing has changed."""
    held, modules = tensors(model), dict(model.named_modules())
    smaller = {name: _smaller(held, name, axes) for name, axes in _entries(structure, "kept").items()}
    sizes = {
        (path, attribute): _checked_size(modules, path, attribute, size)
        for path, attributes in _entries(structure, "sizes").items()
        for attribute, size in attributes.items()
    }
    for name, array in smaller.items():
        held[name].array, held[name].grad = array, None
    for (path, attribute), size in sizes.items():
        setattr(modules[path], attribute, size)


def _entries(structure: Any, part: str) -> dict[str, dict[str, Any]]:
    entries = structure.get(part) if isinstance(structure, dict) else None
    if not isinstance(entries, dict) or not all(isinstance(each, dict) for each in entries.values()):
        raise ValueError(f"restructure: expected a structure with '{part}' by name, got {structure!r:.60}")
    return entries


def _smaller(held: dict[str, Tensor], name: str, axes: dict[str, Any]) -> Array:
    """A copy of a parameter's array with the kept indices alone."""
    if name not in held:
        raise ValueError(f"restructure: the model has no parameter '{name}'")
    array = held[name].array
    for axis, indices in axes.items():
        if axis not in [str(i) for i in range(array.ndim)]:
            raise ValueError(f"restructure: '{name}' of shape {array.shape} has no axis {axis!r}")
        array = array.take(_checked_indices(name, indices, array.shape[int(axis)]), int(axis))
    return np.array(array, order="C")


def _checked_indices(name: str, indices: Any, size: int) -> list[int]:
    whole = isinstance(indices, list) and indices and all(type(index) is int for index in indices)
    if not whole or indices[0] < 0 or indices[-1] >= size or not (np.diff(indices) > 0).all():
        raise ValueError(f"restructure: expected rising indices below {size} to keep of '{name}', got {indices!r:.60}")
    return list(indices)


def _checked_size(modules: dict[str, Module], path: str, attribute: str, size: Any) -> int:
    before = modules[path].__dict__.get(attribute) if path in modules and attribute in SIZES else None
    if type(before) is not int or type(size) is not int or not 1 <= size <= before:
        raise ValueError(f"restructure: '{path}' cannot have {attribute!r:.60} = {size!r:.60}")
    return size


@contextmanager
def put_back(model: Module) -> Iterator[None]:
    """Give a model its arrays, gradients and sizes back where the block is not left in peace."""
    arrays = [(tensor, tensor.array, tensor.grad) for tensor in tensors(model).values()]
    sizes = [
        (module, name, value) for module in model.modules() for name, value in module.__dict__.items() if name in SIZES
    ]
    try:
        yield
    except BaseException:
        for tensor, array, grad in arrays:
            tensor.array, tensor.grad = array, grad
        for module, name, value in sizes:
            module.__dict__[name] = value
        raise
