"""The budget: how many units of each group are removed, and which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinytorch.core.tensor.numbers import whole
from tinytorch_compress.choosing import share

if TYPE_CHECKING:
    from tinytorch.types import Array


def chosen(scores: list[Array], amount: float, *, global_: bool = False, round_to: int = 1) -> list[Array]:
    """Return which units of each group are removed, those with the smallest scores: bool, (units,) for each group.

    amount is a share of the units, of each group or with global_ of all, to the nearest whole number. As many stay as
    is a multiple of round_to, which may be more than asked for, and at least one of each group.
    """
    part, step = check(amount, round_to)
    counts = _globally(scores, part) if global_ else [round(part * len(each)) for each in scores]
    return [_least(each, _kept(len(each), len(each) - count, step)) for each, count in zip(scores, counts, strict=True)]


def check(amount: float, round_to: int) -> tuple[float, int]:
    """Return both as numbers, or raise for those that cannot be."""
    return share("prune_structured", "an amount", amount), whole("prune_structured", "round_to", round_to, least=1)


def _globally(scores: list[Array], part: float) -> list[int]:
    """How many of each group are among the smallest of all."""
    owners = np.repeat(np.arange(len(scores)), [len(each) for each in scores])
    order = np.argsort(np.concatenate(scores), kind="stable")
    removed = owners[order[: round(part * len(owners))]]
    return np.bincount(removed, minlength=len(scores)).tolist()


def _kept(size: int, wanted: int, step: int) -> int:
    """How many stay: the next multiple of the step, no more than there are."""
    return min(-(-max(wanted, 1) // step) * step, size)


def _least(scores: Array, kept: int) -> Array:
    removed = np.zeros(len(scores), bool)
    removed[np.argsort(scores, kind="stable")[: len(scores) - kept]] = True
    return removed
