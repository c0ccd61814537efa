"""Measurement of time, memory and FLOPs for tinytorch."""

from tinytorch_profiling.chrome import export_chrome_trace
from tinytorch_profiling.events import Call, Recording, Scope, Spec
from tinytorch_profiling.html import Table, export_html
from tinytorch_profiling.machine import Machine, machine
from tinytorch_profiling.profile import profile, record
from tinytorch_profiling.schedule import Schedule, schedule
from tinytorch_profiling.stacks import export_speedscope, export_stacks

__version__ = "0.1.0"

__all__ = [
    "Call",
    "Machine",
    "Recording",
    "Schedule",
    "Scope",
    "Spec",
    "Table",
    "export_chrome_trace",
    "export_html",
    "export_speedscope",
    "export_stacks",
    "machine",
    "profile",
    "record",
    "schedule",
]
