"""What `tinytorch verify` finds: rows in sections, and whether all of it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Outcome = Literal["passed", "failed", "skipped", "measured"]


@dataclass(frozen=True)
class Row:
    """One thing that was tried. `difference` is the largest distance from the core, in units of its largest number."""

    name: str
    outcome: Outcome
    detail: str = ""
    difference: float | None = None


@dataclass
class Section:
    """Rows that belong together, and in a sentence what they show."""

    title: str
    shows: str
    rows: list[Row] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """How many rows failed."""
        return sum(row.outcome == "failed" for row in self.rows)


@dataclass(frozen=True)
class Plan:
    """What is to be tried: the plugins together and apart, the ops (None: all), in a minute or in ten."""

    plugins: tuple[str, ...]
    ops: tuple[str, ...] | None = None
    quick: bool = False
    seed: int = 0
    chosen: bool = False  # by name: what else is installed, broken or not, is left alone

    @property
    def selections(self) -> list[tuple[str, ...]]:
        """The sets of plugins that journeys are taken with: each, all, and, with time, each pair."""
        each = [(name,) for name in self.plugins]
        pairs = [(a, b) for i, a in enumerate(self.plugins) for b in self.plugins[i + 1 :]]
        return list(dict.fromkeys([*each, *([] if self.quick else pairs), *([self.plugins] if self.plugins else [])]))


@dataclass
class Report:
    """All that was found, on which machine and with what."""

    environment: dict[str, str]
    sections: list[Section]

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return not any(section.failed for section in self.sections)

    def summary(self) -> str:
        """The result in one sentence."""
        counts = {kind: self._count(kind) for kind in ("passed", "failed", "skipped", "measured")}
        told = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count or kind == "failed")
        return f"{'passed' if self.passed else 'FAILED'}: {told}"

    def as_dict(self) -> dict[str, Any]:
        """The report for `--json`."""
        return {"passed": self.passed, "environment": self.environment, "sections": list(map(asdict, self.sections))}

    def _count(self, outcome: str) -> int:
        return sum(row.outcome == outcome for section in self.sections for row in section.rows)


def row(name: str, problems: Sequence[str], detail: str = "", difference: float | None = None) -> Row:
    """A row that failed where there are problems, of which the first is told, and passed where there are none."""
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        return Row(name, "failed", f"{problems[0]}{more}", difference)
    return Row(name, "passed", detail, difference)
