"""What is measured on."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import numpy as np

from tinytorch_bench.peers.noise import processors


def machine() -> dict[str, str]:
    """Tell the processor, the system and what computes, by name."""
    return {
        "processor": f"{_processor()}, {processors()} of {os.cpu_count()} processors",
        "system": platform.platform(),
        "Python": f"{platform.python_version()}, numpy {np.__version__}",
    }


def _processor() -> str:
    table = Path("/proc/cpuinfo")
    lines = table.read_text().splitlines() if table.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
