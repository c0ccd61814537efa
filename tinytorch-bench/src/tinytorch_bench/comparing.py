"""Two stored runs compared: which models became slower or larger, and which differences are nobody's but the machine's.

Times are told in yardsticks of their own round before they are compared, so that a machine which was slower on one day
makes no regression. Where times would say nothing (another processor, other threads, another batch) the comparison is
refused.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tinytorch_bench import samples
from tinytorch_bench.machine import DECIDING
from tinytorch_bench.run import Row, Run
from tinytorch_bench.statistics import Ratio

LEAST = 0.01  # of the time; less is where arrays and code happen to lie (Mytkowicz et al. 2009)
VERSION = 1


class CompareError(ValueError):
    """Two runs cannot be compared; the sentence says why."""


@dataclass(frozen=True)
class Change:
    """What became of one model on one dataset."""

    model: str
    dataset: str
    ratio: Ratio  # of the later times to the earlier ones, in yardsticks
    seconds: tuple[float, float]  # medians, earlier and later, as the clock said
    bytes: tuple[int, int]
    metrics: dict[str, tuple[float | None, float | None]]
    limit: float

    @property
    def verdict(self) -> str:
        """Say what was shown."""
        return verdict(self.ratio)

    @property
    def unsure(self) -> bool:
        """Whether a slow-down above the limit could be there without having been shown."""
        return self.verdict == "no difference shown" and self.ratio.high > 1 + self.limit

    @property
    def regressions(self) -> list[str]:
        """Say what is worse by more than the limit, a sentence each."""
        found = []
        if self.verdict == "slower" and self.ratio.median > 1 + self.limit:
            found.append(f"time {100 * (self.ratio.median - 1):+.1f} %, above {100 * self.limit:g} %")
        found += [
            f"{name} is no number any more"
            for name, (before, after) in self.metrics.items()
            if before is not None and after is None
        ]
        before, after = self.bytes
        if after > before * (1 + self.limit):
            found.append(f"size {before:,} to {after:,} bytes, above {100 * self.limit:g} %")
        return found

    def as_dict(self) -> dict[str, Any]:
        """Give all of it as plain data."""
        pairs = {name: list(getattr(self, name)) for name in ("seconds", "bytes")}
        told = {"unsure": self.unsure, "regressions": self.regressions}
        metrics = {name: list(values) for name, values in self.metrics.items()}
        ratio = {**self.ratio._asdict(), "verdict": self.verdict}
        return {"model": self.model, "dataset": self.dataset, "ratio": ratio, **pairs, "metrics": metrics, **told}


@dataclass(frozen=True)
class Comparison:
    """All that two runs share, what the later one lacks, and remarks."""

    limit: float
    changes: list[Change]
    missing: list[tuple[str, str]]  # models and datasets
    remarks: list[str]

    @property
    def failed(self) -> bool:
        """Whether something is worse by more than the limit, or was measured before and is not any more."""
        return bool(self.missing) or any(change.regressions for change in self.changes)

    def as_dict(self) -> dict[str, Any]:
        """Give all of it as plain data."""
        told = {"limit": self.limit, "failed": self.failed, "missing": self.missing, "remarks": self.remarks}
        rows = [change.as_dict() for change in self.changes]
        return {"kind": "tinytorch bench compare", "version": VERSION, **told, "changes": rows}


def verdict(found: Ratio) -> str:
    """Say what was shown: that the first takes less time or more, by 1 % at least, or neither."""
    if found.low > 1 + LEAST:
        return "slower"
    return "faster" if found.high < 1 / (1 + LEAST) else "no difference shown"


def compare(before: Run | Sequence[Run], after: Run | Sequence[Run], fail_above: float = 0.05) -> Comparison:
    """Compare two runs of the same models, or some of each; `fail_above` is the part by which time or size may grow.

    Of single runs the rounds are compared, as far as they are even (`samples.single`). Of four or more of each, taken
    in turn, each run counts as one time: that is sound on any machine whose state changes in between.
    """
    if not isinstance(fail_above, int | float) or not 0 <= fail_above < float("inf"):
        raise CompareError(f"compare: expected a limit of 0 or more, got {fail_above!r}")
    sides = [[given] if isinstance(given, Run) else [*given] for given in (before, after)]
    counts = [len(side) for side in sides]
    if counts != [1, 1] and min(counts) < samples.FEWEST:
        raise CompareError(
            f"expected one run of each, or {samples.FEWEST} or more of each, got {counts[0]} and {counts[1]}"
        )
    for run in (*sides[0], *sides[1]):
        _check(sides[0][0], run)
    names = [set.intersection(*(set(run.names()) for run in side)) for side in sides]
    shared = [name for name in sides[0][0].names() if name in names[0] & names[1]]
    if not shared:
        raise CompareError("the runs have no model and dataset in common")
    changes = [_change(*name, sides[0], sides[1], fail_above) for name in shared]
    return Comparison(fail_above, changes, _missing(*sides), [*_remarks(*sides), *_unsure(changes)])


def _missing(before: Sequence[Run], after: Sequence[Run]) -> list[tuple[str, str]]:
    """What no later run has of what some earlier one had."""
    return sorted(_all_names(before) - _all_names(after))


def _all_names(runs: Sequence[Run]) -> set[tuple[str, str]]:
    return {name for run in runs for name in run.names()}


def _check(before: Run, after: Run) -> None:
    """Refuse what would compare something else than the models."""
    told = [(name, before.machine[name], after.machine[name]) for name in DECIDING]
    told += [("batch", before.settings["batch"], after.settings["batch"])]
    told += [("yardstick", before.yardstick["version"], after.yardstick["version"])]
    for name, first, second in told:
        if first != second:
            raise CompareError(f"the runs cannot be compared: {name} {first} and {second}")


def _change(model: str, dataset: str, before: Sequence[Run], after: Sequence[Run], limit: float) -> Change:
    times = [[_in_yardsticks(run.row(model, dataset), run) for run in side] for side in (after, before)]
    if len(before) == 1:
        ratio = samples.single(times[0][0], times[1][0])
    else:
        ratio = samples.unpaired(*([statistics.median(run) for run in side] for side in times))
    first, second = ([run.row(model, dataset) for run in side] for side in (before, after))
    return Change(
        model,
        dataset,
        ratio,
        (statistics.median(row.latency for row in first), statistics.median(row.latency for row in second)),
        (first[0].bytes, second[0].bytes),
        {name: (value, second[0].metrics.get(name)) for name, value in first[0].metrics.items()},
        limit,
    )


def _in_yardsticks(row: Row, run: Run) -> list[float]:
    return [mine / other for mine, other in zip(row.seconds, run.yardstick["seconds"], strict=True)]


def _remarks(before: Sequence[Run], after: Sequence[Run]) -> list[str]:
    """What else differs, what only one side has, and what made either doubtful."""
    first, second = before[0], after[0]
    found = [
        f"{name} changed: {first.machine[name]} and {second.machine[name]}"
        for name in ("system", "python", "numpy", "blas", "tinytorch")
        if first.machine[name] != second.machine[name]
    ]
    plugins = [", ".join(each["name"] for each in run.machine["plugins"]) or "none" for run in (first, second)]
    if plugins[0] != plugins[1]:
        found.append(f"plugins changed: {plugins[0]} and {plugins[1]}")
    found += [f"{model} on {dataset} is new" for model, dataset in sorted(_all_names(after) - _all_names(before))]
    for which, side in (("earlier", before), ("later", after)):
        partly = {name for name in _all_names(side) if any(name not in run.names() for run in side)}
        found += [f"{model} on {dataset} is in some of the {which} runs only" for model, dataset in sorted(partly)]
    for which, side in (("earlier", before), ("later", after)):
        told = Counter(warning for run in side for warning in run.warnings)
        found += [f"{which}: {warning}" + (f" ({count} runs)" if count > 1 else "") for warning, count in told.items()]
    return found


def _unsure(changes: Sequence[Change]) -> list[str]:
    return [
        f"{change.model} on {change.dataset}: too noisy to judge, "
        f"up to {100 * (change.ratio.high - 1):+.1f} % would not have been seen"
        for change in changes
        if change.unsure
    ]
