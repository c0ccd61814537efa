"""Importance: which units of a group a model will miss least."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import tinytorch as tt
from tinytorch.core.autograd import enable_grad
from tinytorch.core.training import evaluating
from tinytorch_compress.masking import mask_of, masked, original

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tinytorch.core.module import Module
    from tinytorch.core.tensor import Tensor
    from tinytorch.types import Array
    from tinytorch_compress.structured.groups import Axis, Dependencies, Group

    Loss = Callable[[Any, Any], Tensor]
    Numbers = dict[str, Array]  # by parameter: what is summed over a unit's share of it

NAMES = ("magnitude", "l2", "bn_scale", "taylor", "random")
GAMMAS = {"batch_norm": 1, "batch_norm_inference": 3}  # which argument is the scale


def scores(
    model: Module,
    found: Dependencies,
    importance: str,
    loss: Loss | None = None,
    batches: Iterable[tuple[Any, Any]] | None = None,
) -> list[Array]:
    """Return a number for each unit of each group; what has the smallest is removed first.

    magnitude: the sum of the absolute values of the weights that make the unit, those along axis 0 as PyTorch's layers
    have them (Li et al. 2017, section 3.1: a filter's own), l2: of their squares; each divided by the group's mean, so
    that groups compare. What a mask took counts as zero. bn_scale: of the batch norms' scales (Liu et al. 2017).
    taylor: how far the loss moves to first order, |sum of gradient * weight| (Molchanov et al. 2019), on batches of
    (inputs, targets). random: any number, from tinytorch's generator.
    """
    if importance not in NAMES:
        raise ValueError(f"prune_structured: expected an importance of {', '.join(NAMES)}, got {importance!r}")
    if importance == "random":
        return [tt.rand(len(group.units)).array for group in found.groups]
    if importance == "bn_scale":
        return [_by_scale(model, group, _scales(found)) for group in found.groups]
    if importance == "taylor":
        slopes = _slopes(model, loss, batches)
        return [np.abs(summed(group, slopes)) for group in found.groups]
    power = 1 if importance == "magnitude" else 2
    numbers = {name: np.abs(each) ** power for name, each in _read(model).items() if each.ndim > 1}
    sums = [summed(group, numbers, _makers(group, numbers)) for group in found.groups]
    return [each / (each.mean() or 1.0) for each in sums]


def summed(group: Group, numbers: Numbers, among: Iterable[Axis] | None = None) -> Array:
    """The sum of these numbers over each unit's share of these axes, or all: (units,), in float64."""
    axes = [axis for axis in among or group.axes if axis[0] in numbers]
    return np.array([sum(_line(numbers, axis)[unit[axis]].sum() for axis in axes) for unit in group.units], np.float64)


def _read(model: Module) -> Numbers:
    """What the layers read, by the name of the parameter behind it: zero where a mask is."""
    masks = {id(original(module, name)): mask_of(module, name) for _, module, name in masked(model)}
    named = model.named_parameters()
    return {name: each.array * masks[id(each)] if id(each) in masks else each.array for name, each in named}


def _makers(group: Group, numbers: Numbers) -> list[Axis]:
    """The axes of weights that make the group's channels, or all where none is known to."""
    return [axis for axis in group.axes if axis[1] == 0 and axis[0] in numbers]


def _line(numbers: Numbers, axis: Axis) -> Array:
    """The sums for each index of a parameter's axis, kept for the next unit."""
    name, place = axis
    key = f"{name}:{place}"
    if key not in numbers:
        array = numbers[name]
        numbers[key] = array.sum(axis=tuple([i for i in range(array.ndim) if i != place]), dtype=np.float64)
    return numbers[key]


def _scales(found: Dependencies) -> set[str]:
    """The names of batch norms' scales."""
    scales = [call.inputs[GAMMAS[call.op]] for call in found.graph.calls if call.op in GAMMAS]
    return {each.name for each in scales if each is not None and each.name is not None}


def _by_scale(model: Module, group: Group, scales: set[str]) -> Array:
    numbers = {name: np.abs(each) for name, each in _read(model).items() if name in scales}
    if not any(name in numbers for name, _ in group.axes):
        raise ValueError(
            f"prune_structured: importance 'bn_scale' needs a batch norm in every group, '{group.name}' has none; "
            f"name it in ignored"
        )
    return summed(group, numbers)


def _slopes(model: Module, loss: Loss | None, batches: Iterable[tuple[Any, Any]] | None) -> Numbers:
    """Gradient * weight of every weight, the gradients summed over the batches; the model's own are left alone."""
    if loss is None or batches is None:
        raise ValueError("prune_structured: importance 'taylor' needs a loss and batches of (inputs, targets)")
    before = [(parameter, parameter.grad) for parameter in model.parameters()]
    model.zero_grad()
    try:
        with evaluating(model), enable_grad():
            for inputs, targets in batches:
                loss(model(inputs), targets).backward()
        learned = {name: each for name, each in model.named_parameters() if each.ndim > 1 and each.grad is not None}
        if not learned:
            raise ValueError("prune_structured: importance 'taylor' got no gradients; give it at least one batch")
        numbers = _read(model)
        return {name: each.grad.array * numbers[name] for name, each in learned.items() if each.grad is not None}
    finally:
        for parameter, grad in before:
            parameter.grad = grad
