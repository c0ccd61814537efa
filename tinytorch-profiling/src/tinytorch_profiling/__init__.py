"""Measurement of time, memory and FLOPs for tinytorch."""

from tinytorch_profiling.events import Call, Recording, Scope, Spec
from tinytorch_profiling.flops import FLOPCounter
from tinytorch_profiling.profile import profile, record
from tinytorch_profiling.schedule import Schedule, schedule
from tinytorch_profiling.summary import summary

__version__ = "0.1.0"

__all__ = ["Call", "FLOPCounter", "Recording", "Schedule", "Scope", "Spec", "profile", "record", "schedule", "summary"]
