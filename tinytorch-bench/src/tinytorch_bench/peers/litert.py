"""LiteRT, formerly TensorFlow Lite, with XNNPACK as it comes: the int8 models of MLPerf Tiny.

Its input is quantized before it is timed. Ours is given floats.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from tinytorch.types import Array
from tinytorch_bench.noise import processors
from tinytorch_bench.peers.peer import Step
from tinytorch_bench.peers.stock import at_hand, model_file
from tinytorch_bench.peers.workloads import WORKLOADS
from tinytorch_bench.tinymlperf.samples import drawn
from tinytorch_bench.tinymlperf.tasks import TASKS


class Codes(NamedTuple):
    """Quantized numbers: real = scale · (codes - zero)."""

    codes: Array
    scale: float
    zero: int


def begin(threads: int) -> dict[str, Any]:
    """Tell the version; an interpreter gets as many threads as the worker may have processors."""
    return {"version": f"LiteRT {version('ai-edge-litert')}", "plugins": []}


def variants(name: str) -> tuple[str, ...]:
    """The int8 models that are here."""
    return ("",) if name in WORKLOADS and WORKLOADS[name].group == "int8" and at_hand(WORKLOADS[name]) else ()


def build(name: str, variant: str, *, tiny: bool = False) -> Step:
    """Build the workload."""
    task = TASKS[WORKLOADS[name].sizes["task"]]
    interpreter = Interpreter(str(model_file(task)), num_threads=processors())
    interpreter.allocate_tensors()
    (before,), (after,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.set_tensor(before["index"], _quantized(drawn(task, 1), *before["quantization"]))

    def step() -> Codes:
        interpreter.invoke()
        return Codes(interpreter.get_tensor(after["index"]), *after["quantization"])

    return step


def arrays(result: Codes) -> list[Array]:
    """Give the numbers that the codes stand for."""
    return [(result.codes.astype(np.float64) - result.zero) * result.scale]


def _quantized(inputs: Array, scale: float, zero: int) -> Array:
    return np.clip(np.rint(inputs / np.float32(scale)) + zero, -128, 127).astype(np.int8)
