"""tinytorch, with the plugins that the worker's environment names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tinytorch
from tinytorch import models
from tinytorch.plugins.activation import current
from tinytorch_bench.peers import alike, kit, single_ops
from tinytorch_bench.peers.peer import Step
from tinytorch_bench.peers.stock import at_hand
from tinytorch_bench.peers.workloads import WORKLOADS
from tinytorch_bench.tinymlperf.samples import drawn
from tinytorch_bench.tinymlperf.systems import system
from tinytorch_bench.tinymlperf.tasks import Precision, Task

arrays = kit.arrays


def begin(threads: int) -> dict[str, Any]:
    """Enable the plugins; threads are those that the environment and the processors allow."""
    tinytorch.zeros(1) + 1  # whatever is asked for is enabled by the first op
    names = [name for name in current().selection if name != "bench"]
    return {"version": f"tinytorch {tinytorch.__version__}", "plugins": names}


def variants(name: str) -> tuple[str, ...]:
    """One form of each: convolution chooses its order of memory by itself. None without the plugins that it takes."""
    known = name in WORKLOADS and set(WORKLOADS[name].plugins) <= set(current().selection)
    return ("",) if known and at_hand(WORKLOADS[name]) else ()


def build(name: str, variant: str, *, tiny: bool = False) -> Step:
    """Build the workload."""
    makers = single_ops if WORKLOADS[name].group == "ops" else alike
    step: Step = WORKLOADS[name].built_by(makers, KIT, tiny=tiny)
    return step


def _decoded(model: models.GPT, count: int, cached: bool) -> list[int]:
    return model.generate([0], count, temperature=0.0, cache="static" if cached else "none").tolist()[0]


def _imported(path: Path, task: Task) -> Step:
    """Floats in and out: the model quantizes its input, which is a part of what is timed."""
    made = system(task, Precision.INT8, path.parents[1])
    given = made.prepare(drawn(task, 1))
    return lambda: made.infer(given)


KIT = kit.Kit(tinytorch, models, tinytorch.no_grad, decode=_decoded, imported=_imported)
