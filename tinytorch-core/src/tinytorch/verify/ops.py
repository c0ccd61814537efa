"""Every op: a plugin's implementations against the core's kernels, on all kinds of legal inputs."""

from __future__ import annotations

from collections.abc import Iterator

from tinytorch.testing.examination import DRAWS, examine
from tinytorch.testing.finding import Examination
from tinytorch.testing.reference import implementations
from tinytorch.verify.report import Plan, Row, row

QUICK_DRAWS = 3


def rows(plan: Plan) -> Iterator[Row]:
    """A row for every op that a plugin implements, and one for the derivatives of those that it leaves to the core."""
    if not plan.plugins:
        yield Row("every op", "skipped", "no plugin is installed: the core's kernels are all there is")
    for plugin in plan.plugins:
        yield from _of_plugin(plugin, plan)


def _of_plugin(plugin: str, plan: Plan) -> Iterator[Row]:
    mine = implementations(plugin)
    if not mine:
        yield Row(plugin, "skipped", "implements no op")
        return
    others: list[Examination] = []
    for found in examine(plugin, plan.ops, QUICK_DRAWS if plan.quick else DRAWS, plan.seed):
        if found.op not in mine:
            others.append(found)
            continue
        yield row(f"{plugin}: {found.op}", _told(found), f"{found.tried} inputs and derivatives", found.difference)
    if others:
        problems = [f"{each.op}: {problem}" for each in others for problem in _told(each)]
        worst = max(each.difference for each in others)
        yield row(f"{plugin}: derivatives of {len(others)} other ops", problems, "composed of its ops", worst)


def _told(found: Examination) -> list[str]:
    return [problem.message for problem in found.problems]
