"""Which numbers to prune: functions from scores and the mask so far to a new mask, all arrays of one shape.

They are PyTorch's (`torch/nn/utils/prune.py`): an amount is a share of what the mask has left, rounded as Python does,
or a count. Of equal scores the first ones go, where PyTorch's `topk` promises nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinytorch import rand
from tinytorch.core.tensor.numbers import real, whole
from tinytorch.types import Array

Chooser = Callable[..., Array]  # (scores, mask, ...) -> mask


def smallest(scores: Array, mask: Array, amount: float) -> Array:
    """Prune what is least in magnitude."""
    return _prune_least(np.abs(scores), mask, amount)


def at_random(scores: Array, mask: Array, amount: float) -> Array:
    """Prune anything, drawn from the process's generator."""
    return _prune_least(rand(*scores.shape).array, mask, amount)


def smallest_channels(scores: Array, mask: Array, amount: float, n: float | str, dim: int) -> Array:
    """Prune whole slices along `dim`, those of the least L_n norm over all that the slice holds."""
    return _prune_channels(lambda left, axis: norms(left, n, axis), scores, mask, amount, dim)


def random_channels(scores: Array, mask: Array, amount: float, dim: int) -> Array:
    """Prune whole slices along `dim`, drawn from the process's generator."""
    return _prune_channels(lambda left, axis: rand(left.shape[axis]).array, scores, mask, amount, dim)


def n_of_m(scores: Array, mask: Array, n: int, m: int, dim: int) -> Array:
    """Keep the n largest in magnitude of every m neighbours along `dim`, and prune the others (Mishra et al. 2021)."""
    axis = axis_of("nm_unstructured", scores, dim)
    if not 0 < whole("nm_unstructured", "n", n) < whole("nm_unstructured", "m", m):
        raise ValueError(f"nm_unstructured: expected 0 < n < m, got n = {n} and m = {m}")
    if scores.shape[axis] % m:
        raise ValueError(
            f"nm_unstructured: {scores.shape[axis]} along dim {dim} of {scores.shape} are no groups of {m}"
        )
    groups = np.moveaxis(np.abs(scores) * mask, axis, -1)
    order = np.argsort(groups.reshape(-1, m), axis=1, kind="stable")
    kept = np.ones(order.shape, mask.dtype)
    np.put_along_axis(kept, order[:, : m - n], 0.0, axis=1)
    return np.moveaxis(kept.reshape(groups.shape), -1, axis) * mask


def norms(values: Array, n: float | str, axis: int) -> Array:
    """The L_n norm of each slice along `axis`, for what `torch.norm` takes: a number, inf, -inf, "fro" or "nuc"."""
    slices = np.moveaxis(values, axis, 0)
    if n == "nuc":
        if slices.ndim != 3:
            raise ValueError(f"ln_structured: the norm 'nuc' is that of matrices, not of slices of {slices.shape[1:]}")
        return np.linalg.norm(slices, "nuc", axis=(1, 2))
    order = 2.0 if n == "fro" else real("ln_structured", "n", n)
    with np.errstate(divide="ignore"):  # of zeros by a negative n
        return np.linalg.norm(slices.reshape(len(slices), math.prod(slices.shape[1:])), order, axis=1)


def count_of(amount: Any, size: int) -> int:
    """How many of `size` an amount is: a share from 0.0 to 1.0, or a count; raises ValueError for what is neither."""
    number = real("prune", "an amount", amount)
    if isinstance(amount, (float, np.floating)):
        if not 0.0 <= number <= 1.0:  # nan is neither
            raise ValueError(f"prune: expected an amount from 0.0 to 1.0, or a whole number, got {amount}")
        return round(number * size)
    if not 0 <= whole("prune", "an amount", amount) <= size:
        raise ValueError(f"prune: expected an amount from 0 to the {size} that are left, got {amount}")
    return int(amount)


def share(name: str, what: str, value: Any) -> float:
    """A share of 1; raises ValueError for one outside [0, 1), where nothing would be left."""
    if not 0.0 <= real(name, what, value) < 1.0:  # nan is neither
        raise ValueError(f"{name}: expected {what} of at least 0 and below 1, got {value}")
    return float(value)


def axis_of(name: str, values: Array, dim: int) -> int:
    """The place of a dim that may count from the end; raises for vectors, which have no channels."""
    if values.ndim < 2:
        raise ValueError(f"{name}: expected a weight of 2 dimensions or more, got shape {values.shape}")
    if not -values.ndim <= whole(name, "dim", dim) < values.ndim:
        raise IndexError(f"{name}: there is no dim {dim} in a weight of shape {values.shape}")
    return dim % values.ndim


def _prune_least(scores: Array, mask: Array, amount: float) -> Array:
    """Prune an amount of what is left, the lowest scores first."""
    left = np.flatnonzero(mask)
    order = np.argsort(scores.reshape(-1)[left], kind="stable")
    pruned = mask.reshape(-1).copy()
    pruned[left[order[: count_of(amount, len(left))]]] = 0.0
    return pruned.reshape(mask.shape)


def _prune_channels(score: Callable[[Array, int], Array], scores: Array, mask: Array, amount: float, dim: int) -> Array:
    """Prune an amount of the slices that are not wholly pruned yet, the lowest scores first."""
    axis = axis_of("prune", scores, dim)
    others = tuple(each for each in range(mask.ndim) if each != axis)
    left = np.flatnonzero(mask.any(axis=others))
    count = count_of(amount, len(left))
    order = np.argsort(score(np.take(scores, left, axis), axis), kind="stable")
    pruned = mask.copy()
    np.moveaxis(pruned, axis, 0)[left[order[:count]]] = 0.0
    return pruned
