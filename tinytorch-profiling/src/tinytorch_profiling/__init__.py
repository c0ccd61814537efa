"""Measurement of time, memory and FLOPs for tinytorch."""

from tinytorch_profiling.comparing import Comparison, compare
from tinytorch_profiling.events import Call, Recording, Scope, Spec
from tinytorch_profiling.flops import FLOPCounter
from tinytorch_profiling.memory import MemoryProfiler
from tinytorch_profiling.peaks import Machine, machine
from tinytorch_profiling.profiler import profile, record
from tinytorch_profiling.scheduling import Schedule, schedule
from tinytorch_profiling.summarizing import summary
from tinytorch_profiling.table import Table
from tinytorch_profiling.timer import Timer, Timing

__version__ = "0.1.0"

__all__ = [
    "Call",
    "Comparison",
    "FLOPCounter",
    "Machine",
    "MemoryProfiler",
    "Recording",
    "Schedule",
    "Scope",
    "Spec",
    "Table",
    "Timer",
    "Timing",
    "compare",
    "machine",
    "profile",
    "record",
    "schedule",
    "summary",
]
