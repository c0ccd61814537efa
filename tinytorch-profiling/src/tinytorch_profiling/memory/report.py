"""What a memory profile shows to a person: its categories, with peaks and leaks in words, and its ops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinytorch_profiling.events import Call, specs
from tinytorch_profiling.memory.leaks import MARKS, Leak
from tinytorch_profiling.table import Column, Table
from tinytorch_profiling.units import size

if TYPE_CHECKING:
    from tinytorch_profiling.memory.profiler import MemoryProfiler

ROWS = 20
OF_CATEGORIES = (
    Column("name", "category"),
    Column("at_peak", "at the peak", "bytes"),
    Column("held_at_start", "held at the start", "bytes"),
)
OF_OPS = (
    Column("op", "op"),
    Column("calls", "calls"),
    Column("net", "net", "bytes"),
    Column("workspace", "largest workspace", "bytes"),
)


def tables(memory: MemoryProfiler) -> tuple[Table, ...]:
    """Give the categories with what is to be said below, and the ops, the largest workspace first."""
    held = memory.held_at_start
    categories = [
        {"name": name, "at_peak": nbytes, "held_at_start": held[name]} for name, nbytes in memory.at_peak.items()
    ]
    ops = Table("memory by op", OF_OPS, tuple(row._asdict() for row in memory.by_op()))
    return (
        Table("memory by category", OF_CATEGORIES, tuple(categories), tuple(sentences(memory))),
        ops.sorted("workspace", ROWS),
    )


def sentences(memory: MemoryProfiler) -> list[str]:
    """Tell the peaks and the leaks in words."""
    lines = [
        f"peak {size(memory.peak)} above the start, {where(memory.peak_call)}",
        f"total peak {size(memory.total_peak)} with the tensors held at the start",
    ]
    if memory.steps < MARKS:
        return [*lines, f"leaks: not looked for (call step() after each of {MARKS} steps or more)"]
    found = memory.leaks
    return [*lines, *(map(_leak, found) if found else [f"leaks: none in {memory.steps} steps"])]


def where(call: Call | None) -> str:
    """Write an op with its shapes, module and phase."""
    if call is None:
        return "outside of ops"
    shapes = ", ".join(str(spec.shape) for spec in specs(call.inputs))
    module = f" of {call.module}" if call.module else ""
    return f"in {call.op}({shapes}){module}, {call.phase}"


def call_as_dict(call: Call) -> dict[str, Any]:
    """Give a call as plain data."""
    shapes = [list(spec.shape) for spec in specs(call.inputs)]
    return {"op": call.op, "module": call.module, "phase": call.phase, "shapes": shapes}


def _leak(leak: Leak) -> str:
    module = f" of {leak.module}" if leak.module else ""
    maker = f"{leak.op}{module}, {leak.phase}" if leak.op else "the program outside of ops"
    return f"leak: {size(leak.bytes_per_step)} a step, {leak.category}, made by {maker}"
