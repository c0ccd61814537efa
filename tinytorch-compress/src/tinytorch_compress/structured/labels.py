"""Labels: which numbers of parameters must be removed together.

Every index of every axis of a parameter has a label of its own. Labels that can be removed only together are united
(Tarjan 1975: union-find); those that must stay are frozen, with the reason. An array of labels lies over a value of the
model as its numbers do, and so goes through the same view ops; here it is called a layer. A layer has size 1 along axes
on which it says the same everywhere; 0 is a number that has no label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tinytorch.types import Array

NONE = 0


class Labels:
    """A union-find over numbered labels, with reasons why some must stay."""

    def __init__(self) -> None:
        self._parents = np.zeros(1, np.int64)
        self._reasons: dict[int, str] = {}  # by the root of what is frozen

    def new(self, count: int) -> Array:
        """Make labels: (count,)."""
        first = len(self._parents)
        made = np.arange(first, first + count)
        self._parents = np.concatenate([self._parents, made])
        return made

    def find(self, labels: Array) -> Array:
        """The root of each label, the same for all that are united."""
        roots: Array = self._parents[labels]
        while not np.array_equal(above := self._parents[roots], roots):
            roots = above
        self._parents[labels] = roots  # so that the way is short next time
        return roots

    def unite(self, a: Array, b: Array, reason: str) -> None:
        """Let each label of one array be removed only with that at its place in the other, and not beside none."""
        pairs = np.stack([each.ravel() for each in np.broadcast_arrays(self.find(a), self.find(b))])
        pairs.sort(axis=0)
        for low, high in np.unique(pairs[:, pairs[0] != pairs[1]], axis=1).T.tolist():
            if low == NONE:
                self.freeze(np.array([high]), reason)
            else:
                self._join(low, high)

    def _join(self, a: int, b: int) -> None:
        low, high = sorted((self._root(a), self._root(b)))
        if low == high:
            return
        self._parents[high] = low
        if high in self._reasons:
            self._reasons.setdefault(low, self._reasons.pop(high))

    def _root(self, label: int) -> int:
        while (above := int(self._parents[label])) != label:
            label = above
        return label

    def freeze(self, labels: Array, reason: str) -> None:
        """Let these labels stay; what was frozen before keeps its reason."""
        for root in np.unique(self.find(labels)).tolist():
            if root != NONE:
                self._reasons.setdefault(root, reason)

    def reason(self, label: int) -> str | None:
        """Why a label must stay; None where it need not."""
        return self._reasons.get(self._root(label))

    def compact(self, layer: Array) -> Array:
        """The layer with size 1 along axes on which it says the same everywhere."""
        roots = self.find(layer)
        for axis in axes_of(layer):
            if (roots == roots.take([0], axis)).all():
                layer, roots = layer.take([0], axis), roots.take([0], axis)
        return layer

    def whole(self, layer: Array, axes: Iterable[int], reason: str) -> Array:
        """Unite along these axes: they keep their size, or the layer's labels stay. Return the layer without them."""
        first = layer
        for axis in axes:
            first = first.take([0], axis)
        self.unite(layer, first, reason)
        if first.size == 1:
            self.freeze(first, reason)
        return first


def axes_of(layer: Array) -> tuple[int, ...]:
    """The axes along which a layer says different things."""
    return tuple([axis for axis, size in enumerate(layer.shape) if size > 1])
