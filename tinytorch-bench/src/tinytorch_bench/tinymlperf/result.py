"""What was found of a task, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tinytorch_bench.tinymlperf.runner import Performance
from tinytorch_bench.tinymlperf.tasks import Precision, Scenario, Task

VERSION = 1  # of the JSON
NOTICE = "unverified, not an official MLPerf result: nobody at MLCommons has seen it"


class Quality(NamedTuple):
    """How good the answers were, by real samples."""

    value: float
    files: int  # that were judged
    of: int  # that were there
    source: str


@dataclass(frozen=True)
class Result:
    """What was found of a task."""

    task: Task
    precision: Precision
    scenario: Scenario
    batch: int = 1
    model: str = ""
    digest: str = ""
    told: str = ""  # why the task was not run
    quality: Quality | None = None
    unjudged: str = ""  # why its quality was not measured
    performance: Performance | None = None
    inputs: str = ""  # what was asked about while time was measured
    breaches: list[str] = field(default_factory=list)  # of the rules

    @property
    def reached(self) -> bool | None:
        """Whether the quality target is reached; None where it was not measured."""
        return None if self.quality is None else self.quality.value >= self.task.target

    def as_dict(self) -> dict[str, Any]:
        """Give all of it as plain data."""
        found, measured = self.quality, self.performance
        return {
            **{key: getattr(self.task, key) for key in ("name", "official", "title", "metric", "target")},
            **{key: getattr(self, key) for key in ("precision", "scenario", "batch", "model", "digest", "told")},
            "quality": found and {**found._asdict(), "reached": self.reached},
            "unjudged": self.unjudged,
            "performance": measured and dict(vars(measured)),
            "inputs": self.inputs,
            "breaches": self.breaches,
            "notice": NOTICE,
        }


@dataclass(frozen=True)
class Report:
    """What was found of all tasks."""

    machine: dict[str, str]
    plugins: list[str]
    warnings: list[str] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether a quality target was missed."""
        return any(result.reached is False for result in self.results)

    def as_dict(self) -> dict[str, Any]:
        """Give all of it as plain data."""
        return {
            "kind": "tinytorch bench tiny",
            "version": VERSION,
            "notice": NOTICE,
            **{key: getattr(self, key) for key in ("machine", "plugins", "warnings", "failed")},
            "results": [result.as_dict() for result in self.results],
        }


def breaches(task: Task, scenario: Scenario, quality: Quality | None, performance: Performance) -> list[str]:
    """Say what keeps a result from the rules besides the time that was taken."""
    told = [] if scenario in task.scenarios else [f"{scenario} is no scenario of this task"]
    if not all(window.get("valid", True) for window in performance.windows):
        told.append("LoadGen calls a window invalid")
    if quality is None:
        told.append("accuracy was not measured")
    elif quality.files < task.files:
        told.append(f"judged by {quality.files} samples of {task.files}")
    return told
