"""What a comparison found, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tinytorch_bench.peers.workloads import Workload
from tinytorch_bench.statistics import Ratio

VERSION = 1  # of the JSON


class Form(NamedTuple):
    """The form of a side that counted, and its times."""

    threads: int
    variant: str
    us: float  # a step, median of the rounds
    rounds: list[float]


class Memory(NamedTuple):
    """Peaks of a training step in bytes, and the ratio aimed at."""

    ours: float
    theirs: float
    aim: float

    @property
    def ratio(self) -> float:
        """Ours / theirs."""
        return self.ours / self.theirs

    @property
    def reached(self) -> bool:
        """Whether ours needs no more."""
        return self.ratio <= self.aim


@dataclass(frozen=True)
class Row:
    """What was found of a workload."""

    workload: Workload
    plugins: list[str]  # that ours had
    outcome: str  # measured, differs, or not built
    told: str = ""  # why it was not measured
    difference: float | None = None
    ratio: Ratio | None = None
    ours: Form | None = None
    theirs: Form | None = None
    tuned_ratio: Ratio | None = None
    tuned: Form | None = None
    memory: Memory | None = None

    @property
    def aim(self) -> float | None:
        """The ratio aimed at with these plugins."""
        return self.workload.aim(self.plugins)

    @property
    def reached(self) -> str:
        """Whether the aim is reached, in a word or two; nothing where there is none."""
        return "" if self.aim is None or self.ratio is None else self.ratio.reaches(self.aim)

    @property
    def failed(self) -> bool:
        """Whether numbers differ, or an aim that counts is missed by the median."""
        too_slow = self.workload.counts and self.reached.startswith("no")
        too_large = self.memory is not None and not self.memory.reached
        return self.outcome == "differs" or too_slow or too_large

    def as_dict(self) -> dict[str, Any]:
        """Give all of it as plain data."""
        forms = {name: form and form._asdict() for name, form in self._forms().items()}
        memory = self.memory and {**self.memory._asdict(), "ratio": self.memory.ratio, "reached": self.memory.reached}
        return {
            **{key: getattr(self.workload, key) for key in ("name", "group", "what", "tolerance", "counts")},
            **{
                key: getattr(self, key)
                for key in ("plugins", "outcome", "told", "difference", "aim", "reached", "failed")
            },
            "ratio": self.ratio and self.ratio.as_dict(),
            "tuned_ratio": self.tuned_ratio and self.tuned_ratio.as_dict(),
            **forms,
            "memory": memory,
        }

    def _forms(self) -> dict[str, Form | None]:
        return {"ours": self.ours, "theirs": self.theirs, "tuned": self.tuned}


@dataclass(frozen=True)
class Report:
    """A whole comparison."""

    peer: str  # its title
    machine: dict[str, str]
    sides: dict[str, Any]
    settings: dict[str, Any]
    warnings: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether something that counts was not reached."""
        return any(row.failed for row in self.rows)

    def as_dict(self) -> dict[str, Any]:
        """Give all of it as plain data."""
        told = {key: getattr(self, key) for key in ("peer", "machine", "sides", "settings", "warnings", "failed")}
        return {
            "kind": "tinytorch bench peers",
            "version": VERSION,
            **told,
            "rows": [row.as_dict() for row in self.rows],
        }
