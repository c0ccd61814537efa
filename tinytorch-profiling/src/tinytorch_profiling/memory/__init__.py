"""Memory: what a block of a program holds, of what category, and which op needed the most."""

from tinytorch_profiling.memory.leaks import Leak
from tinytorch_profiling.memory.profiler import MemoryProfiler, OpMemory

__all__ = ["Leak", "MemoryProfiler", "OpMemory"]
