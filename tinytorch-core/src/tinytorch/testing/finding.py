"""What is found out about an op: the ways in which an implementation can be told from the core's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Problem(NamedTuple):
    """One way in which an implementation can be told from the core's."""

    op: str
    check: str  # answers, derivatives, inputs, memory, repetition, state, warnings, threads, leaks, declaration
    message: str

    def __str__(self) -> str:
        return f"{self.op}: {self.message}"


@dataclass
class Examination:
    """What was found out about an op."""

    op: str
    tried: int = 0
    difference: float = 0.0  # the largest, in units of the core's largest number
    problems: list[Problem] = field(default_factory=list)

    def note(self, check: str, message: str) -> None:
        """Add a problem; of one check the first is enough."""
        if all(each.check != check for each in self.problems):
            self.problems.append(Problem(self.op, check, message))
