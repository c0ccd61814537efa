"""Speed: each plugin against the core, op by op, and in whole steps of training.

Nothing here passes or fails for being slow. An interval holds its median with 95 % confidence; a plugin is called
faster or slower where a stricter test says so, which errs in one report of twenty and not in one row of twenty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np

from tinytorch.testing import draw
from tinytorch.testing.arguments import arrays_in, copied
from tinytorch.testing.case import Arguments, OpCase
from tinytorch.testing.reference import answering, implementations
from tinytorch.testing.table import cases_for
from tinytorch.types import Array
from tinytorch.verify.report import Plan, Row
from tinytorch.verify.selections import Selection, tried
from tinytorch.verify.timing import Side, interleaved, median, ratio, verdict
from tinytorch.verify.trainings import Make, digits_mlp, seeded, tiny_gpt

SHOWS = (
    "Measured here, interleaved: the median ratio, and where it lies with 95 % confidence. Faster or slower is what is "
    "so by 2 % in so many rounds that in 95 of 100 reports chance alone would call no row that."
)
ROUNDS, QUICK_ROUNDS = 31, 21
SECONDS, QUICK_SECONDS = 50.0, 7.0  # for the whole section; drawing and warming up come on top
LONGEST = 0.5  # seconds for an op, where there is little to be compared
STEP = 4  # times as long as for an op
DRAWS = 5  # of which the largest input is taken: some are empty

STEPS: dict[str, Make] = {"a training step of the digits MLP": digits_mlp, "a training step of the tiny GPT": tiny_gpt}


class Pace(NamedTuple):
    """How long is measured."""

    rounds: int
    seconds: float
    seed: int
    comparisons: int = 1


def rows(plan: Plan) -> Iterator[Row]:
    """Give a row for each op of each plugin and each step of training; without plugins, the times of the steps."""
    ops = {name: [op for op in _ops(name) if plan.ops is None or op in plan.ops] for name in plan.plugins}
    pace = _pace(plan, sum(map(len, ops.values())), len(STEPS) * max(1, len(ops)))
    for name, mine in ops.items():
        for op in mine:
            yield _row(f"{op} with {name}", partial(_of_op, name, op, pace))
        for step, make in STEPS.items():
            yield _row(f"{step} with {name}", partial(_of_step, name, make, pace))
    for step, make in ({} if plan.plugins else STEPS).items():
        yield _row(step, partial(_alone, make, pace))


def _ops(plugin: str) -> list[str]:
    return [op for op in implementations(plugin) if cases_for(op)]


def _pace(plan: Plan, ops: int, steps: int) -> Pace:
    """Share the section's time among so many ops and steps."""
    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if plan.quick else (ROUNDS, SECONDS)
    return Pace(rounds, min(LONGEST, seconds / (ops + STEP * steps)), plan.seed, ops + steps)


def _row(name: str, measured: Callable[[], str]) -> Row:
    detail, problems = tried(measured, ())
    return Row(name, "failed", problems[0]) if detail is None else Row(name, "measured", detail)


def _of_op(plugin: str, op: str, pace: Pace) -> str:
    """Time an op on a large input: the core's kernel, and what answers where the plugin is enabled."""
    case = cases_for(op)[0]
    given = large_input(case, pace.seed)
    mine = core = given  # the same memory for both: where it lies makes a difference
    if case.declared().inplace:
        mine, core = copied(given), copied(given)
    sides = Side(partial(answering(plugin, op), *mine), (plugin,)), Side(partial(case.declared().kernel, *core))
    return _against(*sides, pace)


def large_input(case: OpCase, seed: int) -> Arguments:
    """Draw some large inputs of a row, always the same ones, and give the largest."""
    rng = np.random.default_rng([seed, *case.op.encode()])
    with draw.large():
        drawn = [case.sample(rng, np.dtype(case.dtypes[0])) for _ in range(DRAWS)]
    return max(drawn, key=lambda arguments: sum(each.size for each in arrays_in(arguments)))


def _of_step(plugin: str, make: Make, pace: Pace) -> str:
    mine, core = (_step(make, selection, pace.seed) for selection in ((plugin,), ()))
    return _against(mine, core, pace._replace(seconds=STEP * pace.seconds))


def _step(make: Make, selection: Selection, seed: int) -> Side:
    """A step of a training with these plugins; each side has a training of its own."""
    return Side(seeded(make, seed, lambda training: training).step, selection)


def _against(mine: Side, core: Side, pace: Pace) -> str:
    with np.errstate(all="ignore"):  # an optimizer's step, taken so often, runs away
        seconds = interleaved([mine, core], pace.rounds, pace.seconds, pace.seed)
    return told(seconds[0], seconds[1], pace)


def told(mine: Array, core: Array, pace: Pace) -> str:
    """What times of the two sides say."""
    found = ratio(mine, core, pace.seed)
    times = f"{_time(float(np.median(mine)))}, the core {_time(float(np.median(core)))}"
    return f"{found.value:.2f}x ({found.low:.2f}-{found.high:.2f}), {verdict(mine, core, pace.comparisons)}: {times}"


def _alone(make: Make, pace: Pace) -> str:
    times = interleaved([_step(make, (), pace.seed)], pace.rounds, STEP * pace.seconds, pace.seed)
    found = median(times[0], pace.seed)
    return f"{_time(found.value)} ({_time(found.low)}-{_time(found.high)})"


def _time(seconds: float) -> str:
    for unit, parts in (("µs", 1e6), ("ms", 1e3)):
        if seconds * parts < 999.5:  # else it would be rounded to 1e+03
            return f"{seconds * parts:.3g} {unit}"
    return f"{seconds:.3g} s"
