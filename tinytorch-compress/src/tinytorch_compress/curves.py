"""Accuracy against sparsity, and how much each layer minds.

Both prune copies in one shot, the model stays as it is; what training could repair is not told here.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from tinytorch.core.module import Module
from tinytorch_compress import prune
from tinytorch_compress.sparsity import sparsify, sparsity_of, weights_of

Score = Callable[[Module], float]


class Point(NamedTuple):
    """What a model scores at a sparsity."""

    sparsity: float  # of all weights, as it came out
    score: float


class Sensitivity(NamedTuple):
    """What the model scores when a single layer is pruned, at each of the sparsities."""

    layer: str
    size: int
    scores: list[float]


def curve(
    model: Module,
    score: Score,
    sparsities: Iterable[float],
    *,
    scope: str = "global",
    method: str = "magnitude",
    ignored: Sequence[str] = (),
) -> list[Point]:
    """Score copies of the model that are pruned to each of the sparsities."""
    points = []
    for sparsity in sparsities:
        pruned = sparsify(copy.deepcopy(model), sparsity, scope=scope, method=method, ignored=ignored)
        points.append(Point(sparsity_of(pruned, ignored), score(prune.remove_all(pruned))))
    return points


def sensitivity(
    model: Module, score: Score, sparsities: Sequence[float], *, ignored: Sequence[str] = ()
) -> list[Sensitivity]:
    """Score copies of the model of which one layer at a time is pruned to each of the sparsities, by magnitude."""
    found = []
    every = weights_of(model, ignored)
    for chosen in every:
        others = [weight.path for weight in weights_of(model) if weight.path != chosen.path]
        points = curve(model, score, sparsities, ignored=others)
        found.append(Sensitivity(chosen.path, chosen.values.size, [point.score for point in points]))
    return found
