"""ONNX Runtime on the processor, all its optimizations of graphs on: single inputs for the networks of MLPerf Tiny."""

from __future__ import annotations

from typing import Any

import onnxruntime

from tinytorch import models
from tinytorch.types import Array
from tinytorch_bench.noise import processors
from tinytorch_bench.peers.kit import fill
from tinytorch_bench.peers.numbers import drawn
from tinytorch_bench.peers.onnx_graph import exported
from tinytorch_bench.peers.ours import KIT
from tinytorch_bench.peers.peer import Step
from tinytorch_bench.peers.workloads import WORKLOADS


def begin(threads: int) -> dict[str, Any]:
    """Tell the version; a session gets as many threads as the worker may have processors."""
    return {"version": f"ONNX Runtime {onnxruntime.__version__}", "plugins": []}


def variants(name: str) -> tuple[str, ...]:
    """Single inputs, one form of each: it arranges memory by itself."""
    return ("",) if name in WORKLOADS and WORKLOADS[name].group == "inference" else ()


def build(name: str, variant: str, *, tiny: bool = False) -> Step:
    """Build the workload."""
    sizes = WORKLOADS[name].sizes
    model = getattr(models, sizes["network"])().eval()
    fill(KIT, model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = processors()
    options.inter_op_num_threads = 1
    file = exported(model, sizes["shape"])
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    given = {"x": drawn("x", *sizes["shape"])}
    return lambda: session.run(None, given)[0]


def arrays(result: Array) -> list[Array]:
    """Give the numbers."""
    return [result]
