"""The health of training, with the core alone and with all plugins: what must hold whatever is trained.

The same bits from the same seed, finite numbers, no memory kept, nothing of the process changed, and plugins that come
and go in the middle of a step or in another thread.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from tinytorch import plugins
from tinytorch.plugins import Instrument, instrumented
from tinytorch.testing import conduct
from tinytorch.testing.arguments import arrays_in
from tinytorch.testing.comparison import arrays_of
from tinytorch.types import Array, Kernel
from tinytorch.verify import children, memory
from tinytorch.verify.finding import Finding
from tinytorch.verify.journeys import largest_difference
from tinytorch.verify.report import Plan, Row, row
from tinytorch.verify.selections import Selection, called, tolerance, tried
from tinytorch.verify.trainings import Training, of_each_kind, seeded

STEPS = 6
SWITCH = 1e-5  # seconds that a thread may run at a time: so short that calls do meet


def rows(plan: Plan) -> Iterator[Row]:
    """Give a row for each check of all plugins together and, before them or where none is, of the core alone.

    A quick plan has no time for both: half of a minute would go to what no plugin can change.
    """
    for selection in dict.fromkeys([plan.plugins] if plan.quick else [(), plan.plugins]):
        for name in [*CHECKS, *(OF_PLUGINS if selection else ())]:
            yield checked(name, selection, plan.seed)
        yield from _threads_of_blas(selection, plan.seed)


def checked(name: str, selection: Selection, seed: int) -> Row:
    """Give the row of one check."""
    finding, wrong = tried(partial({**CHECKS, **OF_PLUGINS}[name], selection, seed), selection)
    title = f"{name}: {called(selection)}"
    if finding is None:
        return row(title, wrong) if wrong else Row(title, "skipped", "this system does not tell")
    return row(title, [*finding.problems, *wrong], finding.detail, finding.difference)


def taken(selection: Selection, seed: int) -> list[list[bytes]]:
    """Train with these plugins: the bits of all losses and weights, training by training."""

    def act(trainings: list[Training]) -> list[list[bytes]]:
        return [_bits([training.step() for _ in range(STEPS)], training.weights()) for training in trainings]

    with plugins.using(*selection):
        return seeded(of_each_kind, seed, act)


def _bits(losses: list[float], weights: list[Array]) -> list[bytes]:
    return [np.array(losses).tobytes(), *(weight.tobytes() for weight in weights)]


def _repeats(selection: Selection, seed: int) -> Finding:
    first, second = taken(selection, seed), taken(selection, seed)
    same = first == second
    problems = [] if same else ["the same seed gives other bits the second time"]
    return Finding(problems, f"{len(first)} trainings of {STEPS} steps", 0.0 if same else None)


def _finite(selection: Selection, seed: int) -> Finding:
    """Count the numbers that are inf or nan; the op that gave the first is told first."""
    census = _Census()
    with instrumented(census):
        taken(selection, seed)
    problems = [f"{op} gave {count} numbers that are inf or nan" for op, count in census.bad.items()]
    return Finding(problems, f"{census.calls.total()} calls of {len(census.calls)} ops gave finite numbers")


class _Census(Instrument):
    """Counts an op's calls, and the numbers in its answers, or in what it writes, that are not finite."""

    name = "census"

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.bad: Counter[str] = Counter()

    def wrap_op(self, op: Any, call: Kernel) -> Kernel:
        """Count what the call gives."""

        def counted(*arguments: Any) -> Any:
            out = call(*arguments)
            self.calls[op.name] += 1
            arrays = arrays_in(arguments if op.inplace else arrays_of(out))
            if count := sum(int((~np.isfinite(each)).sum()) for each in arrays if each.dtype.kind == "f"):
                self.bad[op.name] += count
            return out

        return counted


def _traced(selection: Selection, seed: int) -> Finding:
    return memory.traced(seed)


def _resident(selection: Selection, seed: int) -> Finding | None:
    return memory.resident(seed)


def _leaves_state(selection: Selection, seed: int) -> Finding:
    before = conduct.global_state()
    taken(selection, seed)
    changed = conduct.changed_state(before)
    return Finding([f"changes {name}" for name in changed], f"as before: {', '.join(before)}")


def _forward_alone(selection: Selection, seed: int) -> Finding:
    return _toggled(selection, (), selection, seed)


def _backward_alone(selection: Selection, seed: int) -> Finding:
    return _toggled((), selection, selection, seed)


def _toggled(forward: Selection, backward: Selection, selection: Selection, seed: int) -> Finding:
    """Whether gradients are the core's, relative to the largest of a training."""
    mine, core = gradients(forward, backward, seed), gradients((), (), seed)
    apart, limit = max(map(_apart, mine, core)), tolerance(selection)
    problems = [] if apart <= limit else [f"gradients differ by {apart:.1e} of the core's, allowed is {limit:.1e}"]
    return Finding(problems, f"the gradients of {len(core)} trainings", float(apart) if np.isfinite(apart) else None)


def gradients(forward: Selection, backward: Selection, seed: int) -> list[list[Array]]:
    """The gradients of one step of each training, the loss by some plugins, its derivative by others."""

    def act(trainings: list[Training]) -> list[list[Array]]:
        with plugins.using(*forward):
            losses = [training.forward() for training in trainings]
        with plugins.using(*backward):
            for loss in losses:
                loss.backward()
        return [training.gradients() for training in trainings]

    return seeded(of_each_kind, seed, act)


def _apart(mine: list[Array], core: list[Array]) -> float:
    """The largest distance, in units of the largest number; inf where there are not as many, or not all finite."""
    ours, theirs = (np.concatenate([each.ravel() for each in arrays]).astype(np.float64) for arrays in (core, mine))
    if ours.shape != theirs.shape or not np.isfinite(theirs).all():
        return np.inf
    return float(np.abs(theirs - ours).max() / np.abs(ours).max())


def _in_threads(selection: Selection, seed: int) -> Finding:
    """Two threads with the plugins and one without, all at once, give what each gives alone."""
    jobs = [(selection, seed), (selection, seed + 1), ((), seed)]
    alone = [taken(*job) for job in jobs]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH)
    try:
        together = conduct.in_threads(taken, jobs)
    finally:
        sys.setswitchinterval(interval)
    problems = [
        f"a thread with {called(job[0])} gives something else beside others"
        for job, mine, expected in zip(jobs, together, alone, strict=True)
        if mine != expected
    ]
    return Finding(
        problems, f"{len(jobs)} threads, one of them without plugins" if selection else f"{len(jobs)} threads"
    )


Check = Callable[[Selection, int], Finding | None]

CHECKS: dict[str, Check] = {
    "the same bits twice": _repeats,
    "finite numbers": _finite,
    "memory that Python traces": _traced,
    "memory of the process": _resident,
    "the state of the process": _leaves_state,
    "threads with and without plugins": _in_threads,
}
OF_PLUGINS: dict[str, Check] = {
    "forward with plugins, backward without": _forward_alone,
    "forward without plugins, backward with": _backward_alone,
}


def _threads_of_blas(selection: Selection, seed: int) -> Iterator[Row]:
    """The same bits in every process with as many threads; how far one thread is from two is measured."""
    name = f"the same bits in another process: {called(selection)}"
    if names := children.only_here(selection):
        yield Row(name, "skipped", f"another process cannot have {' and '.join(names)}, registered by code")
        return
    found, wrong = tried(partial(children.losses, selection, seed), ())
    if found is None:
        yield row(name, wrong)
        return
    one, again, two, once_more = found
    unlike = [count for count, a, b in ((1, one, again), (2, two, once_more)) if a != b]
    problems = [f"two processes with {count} threads of BLAS each give other bits" for count in unlike]
    yield row(name, problems, f"two with 1 thread of BLAS, two with 2, {len(one)} losses each")
    apart = largest_difference(two, one)
    yield Row(f"1 thread of BLAS and 2: {called(selection)}", "measured", f"losses differ by {apart:.1e}", apart)
