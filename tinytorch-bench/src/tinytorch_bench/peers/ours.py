"""tinytorch, with the plugins that the worker's environment names."""

from __future__ import annotations

from typing import Any

import tinytorch
from tinytorch import models
from tinytorch.plugins.activation import current
from tinytorch_bench.peers import alike
from tinytorch_bench.peers.peer import Step
from tinytorch_bench.peers.workloads import WORKLOADS

KIT = alike.Kit(tinytorch, models, tinytorch.no_grad)
arrays = alike.arrays


def begin(threads: int) -> dict[str, Any]:
    """Enable the plugins; threads are those that the environment and the processors allow."""
    tinytorch.zeros(1) + 1  # whatever is asked for is enabled by the first op
    names = [name for name in current().selection if name != "bench"]
    return {"version": f"tinytorch {tinytorch.__version__}", "plugins": names}


def variants(name: str) -> tuple[str, ...]:
    """One form of each: convolution chooses its order of memory by itself."""
    return ("",) if name in WORKLOADS else ()


def build(name: str, variant: str, *, tiny: bool = False) -> Step:
    """Build the workload."""
    step: Step = WORKLOADS[name].built_by(alike, KIT, tiny=tiny)
    return step
