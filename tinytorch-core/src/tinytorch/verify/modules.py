"""The plugins themselves: what each is for, and what it may change."""

from __future__ import annotations

from collections.abc import Iterator

from tinytorch import plugins
from tinytorch.plugins import PluginStatus
from tinytorch.verify.report import Plan, Row


def rows(plan: Plan) -> Iterator[Row]:
    """A row for every plugin that is tried and, where none was chosen by name, for every broken one."""
    found = [
        each for each in plugins.list() if each.name in plan.plugins or (each.state == "broken" and not plan.chosen)
    ]
    for status in found:
        if status.state == "broken":
            yield Row(status.name, "failed", status.why)
        else:
            features = status.description or "does not describe itself"
            yield Row(status.name, "passed", f"{status.version}, {status.state}; {features} {transparency(status)}")
    if not found:
        yield Row("plugins", "skipped", "none is installed: the core works alone")


def transparency(status: PluginStatus) -> str:
    """In words what enabling a plugin can change."""
    if status.ops:
        kinds = list(status.exactness.values())
        exact = sum("close" not in each and "undeclared" not in each for each in kinds)
        level = f"Implements {len(kinds)} ops: {exact} bit for bit, {len(kinds) - exact} within the ops' contracts."
    else:
        level = "Implements no op: enabling it changes no result."
    if status.transforms:
        level += f" Changes a model only where it is called: {', '.join(status.transforms)}."
    return level
