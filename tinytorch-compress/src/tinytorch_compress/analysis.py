"""Sparsity, layer by layer: what is zero, in which shape, and what that is worth on the disk and in arithmetic."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tinytorch.core.module import Module
from tinytorch.core.tensor import Tensor
from tinytorch.types import Array
from tinytorch_compress.counting import Cost, cost
from tinytorch_compress.curves import Point, Sensitivity
from tinytorch_compress.sparsity import Weight, weights_of
from tinytorch_compress.storage import Stored, stored

BINS = 24


@dataclass(frozen=True)
class Layer:
    """The zeros of one weight."""

    name: str
    shape: tuple[int, ...]
    size: int
    zeros: int
    zero_outputs: int  # slices along dim 0 that are nothing but zeros
    zero_inputs: int  # along dim 1
    two_of_four: float | None  # the share of four neighbouring inputs with two zeros at least; None: no fours
    edges: list[float]  # of the histogram of what is not zero
    counts: list[int]

    @property
    def sparsity(self) -> float:
        """The share of zeros."""
        return self.zeros / self.size


@dataclass(frozen=True)
class Report:
    """All that is known of a model's zeros; what was not asked for is empty."""

    layers: list[Layer]
    storage: list[Stored]
    cost: Cost | None
    curve: list[Point]
    sensitivity: list[Sensitivity]
    sparsities: list[float]  # at which the sensitivity was measured

    @property
    def sparsity(self) -> float:
        """The share of zeros of all weights."""
        return sum(layer.zeros for layer in self.layers) / sum(layer.size for layer in self.layers)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "sparsity": self.sparsity,
            "layers": [{**asdict(layer), "sparsity": layer.sparsity} for layer in self.layers],
            "storage": [each._asdict() for each in self.storage],
            "cost": None if self.cost is None else self.cost._asdict(),
            "curve": [point._asdict() for point in self.curve],
            "sensitivity": [each._asdict() for each in self.sensitivity],
            "sparsities": self.sparsities,
        }


def analyse(
    model: Module,
    *inputs: Tensor,
    curve: list[Point] | None = None,
    sensitivity: list[Sensitivity] | None = None,
    sparsities: list[float] | None = None,
) -> Report:
    """Look at all weights of a model, and write it in every format; count what a pass takes if there are inputs."""
    layers = [_layer(weight) for weight in weights_of(model)]
    with tempfile.TemporaryDirectory() as folder:
        written = stored(model, folder)
    counted = cost(model, *inputs) if inputs else None
    return Report(layers, written, counted, curve or [], sensitivity or [], sparsities or [])


def _layer(weight: Weight) -> Layer:
    values = weight.values
    nonzero = values[values != 0]
    counts, edges = np.histogram(nonzero[np.isfinite(nonzero)], BINS)
    return Layer(
        weight.path,
        values.shape,
        values.size,
        values.size - nonzero.size,
        _empty_slices(values, 0),
        _empty_slices(values, 1),
        _conformity(values),
        edges.tolist(),
        counts.tolist(),
    )


def _empty_slices(values: Array, axis: int) -> int:
    others = tuple(each for each in range(values.ndim) if each != axis)
    return int((~(values != 0).any(axis=others)).sum())


def _conformity(values: Array) -> float | None:
    if values.shape[1] % 4:
        return None
    fours = np.moveaxis(values, 1, -1).reshape(-1, 4)
    return float((np.count_nonzero(fours, axis=1) <= 2).mean())
