"""What was measured on: processor, BLAS and its threads, versions, plugins."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

import tinytorch
from tinytorch import plugins
from tinytorch.plugins import PluginStatus
from tinytorch.plugins.activation import current
from tinytorch_bench.noise import processors

DECIDING = ("processor", "processors", "threads")  # times under others say nothing about a program


def machine() -> dict[str, str]:
    """Tell the processor, the system and what computes, to read."""
    return {
        "processor": f"{processor()}, {processors()} of {os.cpu_count()} processors",
        "system": platform.platform(),
        "Python": f"{platform.python_version()}, numpy {np.__version__}",
    }


def facts() -> dict[str, Any]:
    """Tell this machine, as it is for this process."""
    library, threads = blas()
    return {
        "processor": processor(),
        "processors": processors(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "tinytorch": tinytorch.__version__,
        "blas": library,
        "threads": threads,
    }


def processor() -> str:
    """Name the processor as the system does."""
    table = Path("/proc/cpuinfo")
    lines = table.read_text().splitlines() if table.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def blas() -> tuple[str, int]:
    """Name the BLAS that is loaded, and how many threads it has; 1 where it does not tell."""
    found = [each for each in threadpool_info() if each["user_api"] == "blas"]
    if not found:
        return "unknown", 1
    most = max(found, key=lambda each: each["num_threads"])
    return f"{most['internal_api']} {most['version'] or ''}".strip(), int(most["num_threads"])


def in_force() -> list[dict[str, Any]]:
    """Tell the plugins in force here: name, version, options, and how exact each of their ops is declared to be."""
    wanted = [name for name in current().selection if name != "bench"]
    known = {each.name: each for each in plugins.list()} if wanted else {}
    return [_plugin(known[name]) for name in wanted]


def _plugin(status: PluginStatus) -> dict[str, Any]:
    options = {name: str(value) for name, value in status.options.items()}
    return {"name": status.name, "version": status.version, "options": options, "ops": dict(status.exactness)}


def thread_warnings(threads: int, environment: dict[str, str] | None = None) -> list[str]:
    """Say what is wrong with how many threads compute."""
    found = []
    if threads > processors():
        found.append(f"BLAS has {threads} threads on {processors()} processors: they wait for each other")
    if threads > 1 and not (os.environ if environment is None else environment).get("OPENBLAS_NUM_THREADS"):
        found.append(f"nobody chose BLAS's {threads} threads: set OPENBLAS_NUM_THREADS, so that runs can be compared")
    return found
