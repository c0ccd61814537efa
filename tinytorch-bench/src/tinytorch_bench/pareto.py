"""Pareto fronts: what is best in one thing unless another is best in all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tinytorch_bench.run import Run


class Point(NamedTuple):
    """A model where it is: small, good, fast."""

    model: str
    bytes: int
    quality: float
    seconds: float

    def dominates(self, other: Point) -> bool:
        """Whether this is as good in everything and better in something."""
        pairs = ((-self.bytes, -other.bytes), (self.quality, other.quality), (-self.seconds, -other.seconds))
        return all(mine >= its for mine, its in pairs) and any(mine > its for mine, its in pairs)


def points(run: Run, metric: str = "accuracy", dataset: str | None = None) -> list[Point]:
    """Give a run's models on one dataset, the first if none is named; more of the metric is better.

    A model whose metric was not finite has no place, and is left out.
    """
    chosen = run.rows[0].dataset if dataset is None else dataset
    rows = [row for row in run.rows if row.dataset == chosen]
    if not rows or metric not in rows[0].metrics:
        there = ", ".join(rows[0].metrics) if rows else f"no dataset '{chosen}'"
        raise KeyError(f"points: there is no metric '{metric}' on '{chosen}'; there is {there}")
    values = [(row, row.metrics[metric]) for row in rows]
    return [Point(row.model, row.bytes, value, row.latency) for row, value in values if value is not None]


def front(given: Sequence[Point]) -> list[Point]:
    """Give the points that no other dominates, the smallest first."""
    best = [point for point in given if not any(other.dominates(point) for other in given)]
    return sorted(best, key=lambda point: (point.bytes, point.seconds))
