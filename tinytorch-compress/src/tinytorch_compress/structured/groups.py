"""Dependency groups: the channels, neurons and heads of a model, each with all that must go with it.

A unit is what can be removed on its own: indices of axes of parameters and buffers, united because the model's calls
tie them. Units that touch the same axes form a group, within which a budget is spent. What is frozen is listed with the
reason. Fang et al. 2023 (DepGraph) find the same by rules for pairs of layers; here the labels of single indices
travel, so that splits, concatenations and flattening need no rule of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch_compress.places import left_out
from tinytorch_compress.structured.flow import Flow
from tinytorch_compress.structured.rules import RULES
from tinytorch_compress.traces import traced

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tinytorch.core.module import Module
    from tinytorch.core.tensor import Tensor
    from tinytorch.tracing import Graph
    from tinytorch.types import Array

Axis = tuple[str, int]  # the name of a parameter or buffer, and which of its axes
Unit = dict[Axis, "Array"]  # the indices to be removed


@dataclass(frozen=True)
class Group:
    """Units of which some may be removed, as long as one stays."""

    axes: tuple[Axis, ...]  # that they touch, in the order of the model's calls
    units: tuple[Unit, ...]
    roots: tuple[int, ...]  # of the units' labels

    @property
    def name(self) -> str:
        """The first parameter that makes the group's channels, without `.weight`."""
        makers = [name for name, axis in self.axes if axis == 0] or [self.axes[0][0]]
        return makers[0].removesuffix(".weight")


@dataclass(frozen=True)
class Dependencies:
    """What of a model may be removed together, and what must stay."""

    graph: Graph
    flow: Flow
    groups: tuple[Group, ...]
    frozen: dict[Axis, str]  # axes of which nothing can be removed, and why

    def describe(self) -> dict[str, list[dict[str, Any]]]:
        """Return the groups, with how many indices of each axis a unit has, and what is frozen, as plain values."""
        groups = [
            {
                "name": group.name,
                "units": len(group.units),
                "axes": [[name, axis, len(group.units[0][name, axis])] for name, axis in group.axes],
            }
            for group in self.groups
        ]
        frozen = [{"parameter": name, "axis": axis, "reason": reason} for (name, axis), reason in self.frozen.items()]
        return {"groups": groups, "frozen": frozen}


def dependencies(model: Module, example_inputs: Tensor | Sequence[Tensor], ignored: Iterable[str] = ()) -> Dependencies:
    """Trace a model in evaluation and return its groups; parameters whose names match `ignored` keep their shapes.

    A pattern such as "conv1" or "*.shortcut" stands for a module and all within it.
    """
    graph = traced("prune_structured", model, example_inputs)
    flow = Flow(graph, RULES)
    _freeze_ignored(flow, model, ignored)
    return Dependencies(graph, flow, *_grouped(flow))


def _freeze_ignored(flow: Flow, model: Module, ignored: Iterable[str]) -> None:
    names = [name for name, _ in (*model.named_parameters(), *model.named_buffers())]
    meant = left_out("prune_structured", ignored, names, "parameter")
    for (name, _), labels in flow.axes.items():
        if name in meant:
            flow.labels.freeze(labels, f"ignored by '{meant[name]}'")


def _grouped(flow: Flow) -> tuple[tuple[Group, ...], dict[Axis, str]]:
    units: dict[int, Unit] = {}
    frozen: dict[Axis, str] = {}
    for axis, labels in flow.axes.items():
        roots = flow.labels.find(labels)
        reasons = {root: flow.labels.reason(root) for root in np.unique(roots).tolist()}
        for root, reason in reasons.items():
            if reason is None:
                units.setdefault(root, {})[axis] = np.flatnonzero(roots == root)
        if None not in reasons.values():
            frozen[axis] = str(next(iter(reasons.values())))
    together: dict[tuple[Axis, ...], list[int]] = {}
    for root, unit in units.items():
        together.setdefault(tuple(unit), []).append(root)
    groups = [Group(axes, tuple(units[root] for root in roots), tuple(roots)) for axes, roots in together.items()]
    for group in groups:
        if len(group.units) == 1:
            frozen.update(dict.fromkeys(group.axes, "nothing would be left beside it"))
    return tuple(group for group in groups if len(group.units) > 1), frozen
