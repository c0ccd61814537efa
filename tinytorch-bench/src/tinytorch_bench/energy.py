"""Energy, where the machine counts it: the processor packages' counters of Linux's powercap (Intel's RAPL).

A counter counts everything that a package does, whoever asked for it, and is often for root alone to read. Where there
is none, energy is "not measured": it is estimated from nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/class/powercap")
NOT_MEASURED = "not measured"
MICRO = 1e-6  # joules of a unit


@dataclass(frozen=True)
class Counter:
    """A package's counter of microjoules, which begins again at 0 after `largest`."""

    path: Path
    largest: int

    def read(self) -> int:
        """Give the count; OSError where it may not be read, ValueError where it is no number."""
        return int((self.path / "energy_uj").read_text())

    def between(self, before: int, after: int) -> int:
        """Give the microjoules between two counts, of which the second may have begun again, once."""
        return after - before if after >= before else after - before + self.largest + 1


class Meter:
    """Reads all packages; `told` says why nothing is measured, where nothing is."""

    def __init__(self, counters: Sequence[Counter], told: str = "") -> None:
        self.counters, self.told = tuple(counters), told

    def read(self) -> list[int]:
        """Give the counts of all packages."""
        return [counter.read() for counter in self.counters]

    def joules(self, before: Sequence[int], after: Sequence[int]) -> float:
        """Give the energy between two readings."""
        pairs = zip(self.counters, before, after, strict=True)
        return MICRO * sum(counter.between(first, last) for counter, first, last in pairs)


def find(root: Path = ROOT) -> Meter:
    """Find the counters of packages; those of their parts, and of the whole platform, would count twice."""
    zones = sorted(path for path in root.glob("*") if _name(path).startswith("package"))
    if not zones:
        return Meter((), f"{NOT_MEASURED}: there is no energy counter in {root}")
    try:
        counters = [Counter(zone, int((zone / "max_energy_range_uj").read_text())) for zone in zones]
        Meter(counters).read()
    except (OSError, ValueError) as error:
        return Meter((), f"{NOT_MEASURED}: {zones[0].name} cannot be read: {getattr(error, 'strerror', None) or error}")
    return Meter(counters)


def _name(zone: Path) -> str:
    try:
        return (zone / "name").read_text().strip()
    except OSError:
        return ""
