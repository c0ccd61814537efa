"""What `import tinytorch` costs over `import numpy, pluggy`, in milliseconds: bar 60, expected 40 to 55 on two cores.

Every import runs in a process of its own; the two kinds are interleaved, and each number is a median.

    python benchmarks/startup.py [--rounds 21] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys

BAR = 60.0
TIMED = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"


def main() -> int:
    """Measure, print and tell by the exit status whether the bar is met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    for modules in ("numpy, pluggy", "numpy, pluggy, tinytorch"):
        seconds(modules)  # writes the bytecode and warms the disk's cache
    pairs = [(seconds("numpy, pluggy"), seconds("numpy, pluggy, tinytorch")) for _ in range(arguments.rounds)]
    base, whole = (statistics.median(column) * 1e3 for column in zip(*pairs, strict=True))
    extra = statistics.median(b - a for a, b in pairs) * 1e3
    result = {"numpy_pluggy_ms": base, "with_tinytorch_ms": whole, "extra_ms": extra, "bar_ms": BAR}
    print(
        json.dumps(result)
        if arguments.json
        else f"numpy, pluggy {base:.0f} ms; tinytorch adds {extra:.0f} ms (bar {BAR:.0f})"
    )
    return int(extra > BAR)


def seconds(modules: str) -> float:
    """How long an import takes in a new process."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", TIMED.format(modules)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout)


if __name__ == "__main__":
    sys.exit(main())
