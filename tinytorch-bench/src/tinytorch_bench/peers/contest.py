"""A contest: both sides compute the same, or nothing is timed; then all take turns, in random order.

Where a side has several forms (orders of memory, threads), each is timed, and the one that is fastest in the median
counts, for either side.
"""

from __future__ import annotations

import base64
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tinytorch.types import Array
from tinytorch_bench.peers.peer import OURS, Known
from tinytorch_bench.peers.report import Form, Memory, Row
from tinytorch_bench.peers.sides import Side, Worker, Workers
from tinytorch_bench.peers.workloads import MEMORY_AIM, Workload
from tinytorch_bench.statistics import ratio

SHOWN = 3  # numbers of each side where they differ
SINGLE = ("inference", "int8", "generation")  # where one thread may be faster than several


@dataclass(frozen=True)
class Plan:
    """How a comparison is done."""

    peer: Known
    plugins: str | None = None
    threads: int = 2
    rounds: int = 9
    tuned: bool = False
    seconds: float = 0.3  # of a burst
    pause: float = 0.15  # before it
    memory: int = 3  # fresh processes in which a training's peak is measured
    seed: int = 0
    ours: Known = OURS

    def sides(self, workload: Workload) -> list[Side]:
        """Who takes part: a single input may be faster with one thread than with several."""
        counts = sorted({1, self.threads}) if workload.group in SINGLE else [self.threads]
        peers = [(self.ours, self.plugins, False), (self.peer, "", False), (self.peer, "", True)]
        return [
            Side(peer, count, plugins, tuned) for peer, plugins, tuned in peers[: 2 + self.tuned] for count in counts
        ]


class Candidate(NamedTuple):
    """A side and the form in which it computes."""

    side: Side
    variant: str


def measured(workload: Workload, plan: Plan, workers: Workers) -> Row:
    """Give a workload's row."""
    candidates = _candidates(workload, plan, workers)
    ours = [each for each in candidates if each.side.peer is plan.ours]
    if not ours or len(ours) == len(candidates):
        lacking = plan.peer if ours else plan.ours
        told = f"{lacking.title} does not build it{workload.needs and f'; {workload.needs}'}"
        mine = plan.sides(workload)[0]
        return Row(workload, workers.facts[mine]["plugins"], "not built", told)
    plugins = workers.facts[ours[0].side]["plugins"]
    difference, problem = _difference(workload, candidates, workers)
    if problem:
        return Row(workload, plugins, "differs", problem, difference)
    times = _times(workload, plan, candidates, workers)
    return _row(workload, plan, plugins, difference, times)


def _candidates(workload: Workload, plan: Plan, workers: Workers) -> list[Candidate]:
    return [
        Candidate(side, variant)
        for side in plan.sides(workload)
        for variant in workers.of(side).ask("variants", workload=workload.name)
    ]


def _difference(workload: Workload, candidates: Sequence[Candidate], workers: Workers) -> tuple[float, str]:
    """Compare all with the first: the largest difference, and what is wrong in a sentence."""
    mine, worst = _results(workload, candidates[0], workers), 0.0
    for other in candidates[1:]:
        theirs = _results(workload, other, workers)
        found = difference(mine, theirs)
        if not found <= workload.tolerance:
            return found, _told(workload, found, mine, theirs, f"{other.side}{other.variant and f', {other.variant}'}")
        worst = max(worst, found)
    return worst, ""


def _results(workload: Workload, candidate: Candidate, workers: Workers) -> list[Array]:
    order = {"variant": candidate.variant, "steps": workload.checked}
    packed = workers.of(candidate.side).ask("check", workload=workload.name, **order)
    return [_unpacked(**each) for each in packed]


def _unpacked(shape: Sequence[int], dtype: str, data: str) -> Array:
    return np.frombuffer(base64.b64decode(data), dtype).reshape(shape)


def difference(mine: Sequence[Array], theirs: Sequence[Array]) -> float:
    """The largest difference, relative to the largest number of its array; infinite where shapes differ, or for nan."""
    if [each.shape for each in mine] != [each.shape for each in theirs]:
        return float("inf")
    found = [_relative(a.astype(np.float64), b.astype(np.float64)) for a, b in zip(mine, theirs, strict=True)]
    return max(found, default=float("inf"))


def _relative(a: Array, b: Array) -> float:
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return float("inf")
    largest = np.abs(b).max(initial=np.finfo(np.float64).tiny)
    return float(np.abs(a - b).max(initial=0.0) / largest)


def _told(workload: Workload, found: float, mine: Sequence[Array], theirs: Sequence[Array], whose: str) -> str:
    ours, others = (", ".join(f"{value:.6g}" for value in _first(arrays)) for arrays in (mine, theirs))
    allowed = f"at most {workload.tolerance:.0e} is allowed"
    return f"results differ by {found:.1e}, {allowed}: {ours} … against {others} … of {whose}"


def _first(arrays: Sequence[Array]) -> list[float]:
    return [float(value) for value in np.concatenate([each.reshape(-1)[:SHOWN] for each in arrays])[:SHOWN]]


def _times(
    workload: Workload, plan: Plan, candidates: Sequence[Candidate], workers: Workers
) -> dict[Candidate, list[float]]:
    """Ask each for a burst a round, in random order: seconds of a step."""
    order = random.Random(f"{plan.seed} {workload.name}")
    times: dict[Candidate, list[float]] = {each: [] for each in candidates}
    for _ in range(plan.rounds):
        for each in order.sample(candidates, len(candidates)):
            options = {"variant": each.variant, "seconds": plan.seconds, "pause": plan.pause}
            times[each].append(workers.of(each.side).ask("time", workload=workload.name, **options))
    return times


def _row(
    workload: Workload, plan: Plan, plugins: list[str], difference: float, times: dict[Candidate, list[float]]
) -> Row:
    mine = _best(times, lambda side: side.peer is plan.ours)
    theirs = _best(times, lambda side: side.peer is plan.peer and not side.tuned)
    tuned = _best(times, lambda side: side.tuned) if plan.tuned else None
    return Row(
        workload,
        plugins,
        "measured",
        "",
        difference,
        ratio(times[mine], times[theirs]),
        _form(mine, times),
        _form(theirs, times),
        tuned and ratio(times[mine], times[tuned]),
        tuned and _form(tuned, times),
        _memory(workload, plan, mine, theirs),
    )


def _best(times: dict[Candidate, list[float]], wanted: Callable[[Side], bool]) -> Candidate:
    return min((each for each in times if wanted(each.side)), key=lambda each: statistics.median(times[each]))


def _form(candidate: Candidate, times: dict[Candidate, list[float]]) -> Form:
    microseconds = [1e6 * seconds for seconds in times[candidate]]
    return Form(candidate.side.threads, candidate.variant, statistics.median(microseconds), microseconds)


def _memory(workload: Workload, plan: Plan, mine: Candidate, theirs: Candidate) -> Memory | None:
    """Peaks of a training step, in the forms that were the fastest."""
    if workload.group != "training" or not plan.memory:
        return None
    ours, others = (_peak(workload, each, plan.memory) for each in (mine, theirs))
    return None if ours is None or not others else Memory(ours, others, MEMORY_AIM)


def _peak(workload: Workload, candidate: Candidate, processes: int) -> float | None:
    """Bytes, the median of some fresh processes; None where nobody counts."""
    peaks = []
    for _ in range(processes):
        with Worker(candidate.side) as worker:
            worker.ask("begin", threads=candidate.side.threads)
            peaks.append(worker.ask("memory", workload=workload.name, variant=candidate.variant))
    return None if None in peaks else statistics.median(peaks)


def facts(workers: Workers) -> dict[str, Any]:
    """What the sides are: versions and plugins by name."""
    return {str(side): told for side, told in workers.facts.items()}
