"""The peak of a training step as MemoryProfiler tells it, as tracemalloc alone does, and as memray does.

Each measurement is a pass of its own, after a step that warms up: bytes above those at the start of the step. memray is
asked where it is installed; it sees Python's own allocator as arenas of 1 MiB.

Expected: within 1 % of tracemalloc, within 5 % of memray.

    python benchmarks/profiling_memory.py [--json]
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import tempfile
import tracemalloc
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import tinytorch as tt
from tinytorch.models import GPT, digits_cnn, mlp
from tinytorch_profiling import MemoryProfiler

BARS = {"tracemalloc": 0.05, "memray": 0.05}
MIB = 1 << 20


def main() -> int:
    """Measure, print and tell by the exit status whether the peaks agree."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = [measured(name, make) for name, make in WORKLOADS.items()]
    print(json.dumps(rows, indent=1) if arguments.json else table(rows))
    return int(any(abs(row["peak"] / row[name] - 1) > bar for row in rows for name, bar in BARS.items() if row[name]))


def measured(name: str, make: Callable[[], Callable[[], None]]) -> dict[str, object]:
    """One row: three passes."""
    measures = {"peak": ours, "tracemalloc": by_tracemalloc, "memray": by_memray}
    return {"workload": name, **{each: measure(warm(make)) for each, measure in measures.items()}}


def warm(make: Callable[[], Callable[[], None]]) -> Callable[[], None]:
    """A step that was taken once."""
    tt.manual_seed(0)
    step = make()
    step()
    gc.collect()
    return step


def ours(step: Callable[[], None]) -> int:
    """What the profiler says."""
    with MemoryProfiler() as memory:
        step()
    return memory.peak


def by_tracemalloc(step: Callable[[], None]) -> int:
    """What tracemalloc says where nothing else looks."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    step()
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    return peak


def by_memray(step: Callable[[], None]) -> int | None:
    """What memray says, None where it is not installed."""
    if find_spec("memray") is None:
        return None
    import memray

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "step.bin"
        with memray.Tracker(file):
            step()
        return memray.FileReader(file).metadata.peak_memory


def training(model: tt.nn.Module, x: tt.Tensor, target: tt.Tensor, classes: int = 10) -> Callable[[], None]:
    """A step of AdamW."""
    optimizer = tt.optim.AdamW(model.parameters())

    def step() -> None:
        optimizer.zero_grad()
        tt.nn.functional.cross_entropy(model(x).reshape(-1, classes), target).backward()
        optimizer.step()

    return step


def perceptron() -> Callable[[], None]:
    """1024 samples, two hidden layers of 2048."""
    return training(mlp(1024, 2048, 2048, 10), tt.randn(1024, 1024), tt.arange(1024) % 10)


def convolutions() -> Callable[[], None]:
    """2048 images of 8 x 8."""
    return training(digits_cnn(), tt.randn(2048, 1, 8, 8), tt.arange(2048) % 10)


def gpt() -> Callable[[], None]:
    """16 texts of 128 tokens, two layers, 128 wide."""
    tokens = tt.arange(16 * 128).reshape(16, 128) * 7 % 100
    return training(GPT(100, 128, layers=2, heads=4, width=128), tokens, tokens.reshape(-1), classes=100)


WORKLOADS = {"MLP": perceptron, "CNN": convolutions, "GPT": gpt}


def table(rows: list[dict[str, object]]) -> str:
    """The rows as Markdown."""
    lines = [
        "| workload | MemoryProfiler MiB | tracemalloc MiB | ratio | memray MiB | ratio |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [f"{row['peak'] / MIB:.2f}"]
        for name in BARS:
            there = row[name] is not None
            cells += [f"{row[name] / MIB:.2f}", f"{row['peak'] / row[name]:.4f}"] if there else ["not installed", ""]
        lines.append(f"| {row['workload']} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
