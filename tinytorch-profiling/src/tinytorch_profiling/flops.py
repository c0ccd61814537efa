"""`FLOPCounter`: how much arithmetic a block of a program takes, exactly, and how many bytes it moves for that.

    with FLOPCounter() as counter:
        loss(model(x), y).backward()
    print(counter)

Counted are products, forward and backward, as PyTorch's `FlopCounterMode` counts them (see `formulas`). A MAC is a
multiplication with an addition: 1 MAC = 2 FLOPs. Ops without a formula are listed by name, never guessed. Bytes are
those of all arrays that ops take and give, views excepted, so at least what is moved if nothing stays in a cache.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from tinytorch_profiling.events import NO_MODULE, Call, Recording
from tinytorch_profiling.formulas import CONVENTION, counted, moved
from tinytorch_profiling.profiler import profile
from tinytorch_profiling.showing import Shown
from tinytorch_profiling.table import Column, Table

COLUMNS = (
    Column("calls", "calls"),
    Column("macs", "MACs"),
    Column("flops", "FLOPs"),
    Column("bytes", "moved", "bytes"),
    Column("intensity", "FLOPs/byte", "rate"),
)


@dataclass(slots=True)
class Count:
    """Arithmetic and traffic of some calls."""

    calls: int = 0
    macs: int = 0
    bytes: int = 0

    @property
    def flops(self) -> int:
        """Floating-point operations: 2 for each MAC."""
        return 2 * self.macs

    @property
    def intensity(self) -> float:
        """FLOPs for each byte; 0 where no byte is moved."""
        return self.flops / self.bytes if self.bytes else 0.0

    def add(self, call: Call, known: int | None) -> None:
        """Count a call, and its MACs if they are known."""
        self.calls += 1
        self.macs += known or 0
        self.bytes += moved(call)

    def to_dict(self) -> dict[str, int | float]:
        """All of it as plain numbers."""
        numbers = {"calls": self.calls, "macs": self.macs, "flops": self.flops, "bytes": self.bytes}
        return {**numbers, "intensity": self.intensity}


class FLOPCounter(Shown):
    """Count the arithmetic of a block, also while the block runs; opened again, it begins anew."""

    def __init__(self) -> None:
        self._profile = profile()

    def __enter__(self) -> Self:
        self._profile.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._profile.__exit__(kind, error, trace)

    @property
    def recording(self) -> Recording:
        """The calls that are counted, and those inside them."""
        return self._profile.recording

    @property
    def total(self) -> Count:
        """All calls together; those without a formula bring bytes and no FLOPs."""
        return _counts(counted(self.recording), lambda _: ("",)).get("", Count())

    @property
    def macs(self) -> int:
        """Multiplications with an addition."""
        return self.total.macs

    @property
    def flops(self) -> int:
        """Floating-point operations: 2 for each MAC."""
        return self.total.flops

    @property
    def without_formula(self) -> dict[str, int]:
        """How often each op was called of which no formula is known."""
        return dict(Counter(call.op for call, known in counted(self.recording) if known is None).most_common())

    def by_op(self, phase: str | None = None) -> dict[str, Count]:
        """Ops that have a formula, the most arithmetic first; of one phase: "forward", "backward" or "step"."""
        known = [(call, number) for call, number in self._of(phase) if number is not None]
        return _sorted(_counts(known, lambda call: (call.op,)))

    def by_module(self, phase: str | None = None) -> dict[str, Count]:
        """Modules with all of their parts, in the order of their first calls; "" is what belongs to none."""
        return _counts(self._of(phase), lambda call: _paths(call.module))

    def by_phase(self) -> dict[str, Count]:
        """Forward, backward and step, as far as there were any."""
        return _counts(counted(self.recording), lambda call: (call.phase,))

    def _of(self, phase: str | None) -> Iterator[tuple[Call, int | None]]:
        return (pair for pair in counted(self.recording) if phase is None or pair[0].phase == phase)

    def to_dict(self) -> dict[str, Any]:
        """Totals, then the same by phase, op and module, and what has no formula."""
        parts = {"phases": self.by_phase(), "ops": self.by_op(), "modules": self.by_module()}
        return {
            "convention": CONVENTION,
            **self.total.to_dict(),
            **{name: {key: each.to_dict() for key, each in counts.items()} for name, counts in parts.items()},
            "without_formula": self.without_formula,
        }

    def tables(self) -> tuple[Table, ...]:
        """Give a table each by phase, op and module; what has no formula stands below the first."""
        unknown = ", ".join(f"{name} {calls}×" for name, calls in self.without_formula.items())
        notes = (CONVENTION, *([f"without a formula: {unknown}"] if unknown else []))
        return (
            _table("phase", {**self.by_phase(), "(all)": self.total}, notes),
            _table("op", self.by_op()),
            _table("module", self.by_module()),
        )


def _counts(pairs: Iterable[tuple[Call, int | None]], keys: Callable[[Call], tuple[str, ...]]) -> dict[str, Count]:
    counts: dict[str, Count] = {}
    for call, known in pairs:
        for key in keys(call):
            counts.setdefault(key, Count()).add(call, known)
    return counts


def _sorted(counts: dict[str, Count]) -> dict[str, Count]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1].macs, -item[1].bytes)))


def _paths(module: str) -> tuple[str, ...]:
    """A module and all that it is a part of, the outermost first."""
    names = module.split(".")
    return tuple(".".join(names[: depth + 1]) for depth in range(len(names)))


def _table(name: str, counts: dict[str, Count], notes: tuple[str, ...] = ()) -> Table:
    rows = tuple({"name": key or NO_MODULE, **count.to_dict()} for key, count in counts.items())
    return Table(f"arithmetic by {name}", (Column("name", name), *COLUMNS), rows, notes)
