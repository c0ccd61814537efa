"""How much longer one side takes than another: the median of ratios, and where it lies.

A ratio is that of two bursts of the same round, since what slows a machine down for a while meets both. The interval is
between two of the sorted ratios, the k-th smallest and the k-th largest: the true median lies outside if more than
n - k of n fair coins fall on the same side, whatever the times are distributed like (Conover, Practical Nonparametric
Statistics, 3.2). A bootstrap promises 95 %, too, but keeps it only with many more rounds.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any, NamedTuple

CONFIDENCE = 0.95
FEWEST = 6  # rounds: of five ratios even the smallest and the largest enclose the median in 15 of 16 cases only


class Ratio(NamedTuple):
    """The median of some ratios, its interval of 95 %, and the smallest and largest of them."""

    median: float
    low: float
    high: float
    smallest: float
    largest: float

    def reaches(self, aim: float) -> str:
        """Say whether the median is at most the aim, and whether the whole interval is on that side."""
        if self.median <= aim:
            return "yes" if self.high <= aim else "yes, not sure"
        return "no" if self.low > aim else "no, not sure"

    def verdict(self) -> str:
        """Say what was shown: that ours takes less time or more, or neither."""
        return "faster" if self.high < 1 else "slower" if self.low > 1 else "no difference shown"

    def as_dict(self) -> dict[str, Any]:
        """Give all of it by name."""
        return {**self._asdict(), "verdict": self.verdict()}


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Compare the times of two sides (rounds,), round by round."""
    ratios = sorted(mine / other for mine, other in zip(ours, theirs, strict=True))
    k = rank(len(ratios))
    return Ratio(statistics.median(ratios), ratios[k - 1], ratios[-k], ratios[0], ratios[-1])


def rank(rounds: int) -> int:
    """Find the largest k for which the k-th smallest and the k-th largest of so many enclose the median in 95 %.

    >>> rank(9)
    2
    """
    if rounds < FEWEST:
        raise ValueError(f"expected {FEWEST} rounds or more for an interval of 95 %, got {rounds}")
    return max(k for k in range(1, rounds) if 2 * _tail(rounds, k - 1) <= 1 - CONFIDENCE)


def _tail(tosses: int, most: int) -> float:
    """How probable it is that so many heads fall, or fewer."""
    return sum(math.comb(tosses, heads) for heads in range(most + 1)) / 2**tosses
