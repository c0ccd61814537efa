"""Each op of tinytorch-accel beside the core's and PyTorch's, from 8 to 16 million numbers.

    python benchmarks/accel_ops.py [OP ...] [--rounds 15] [--threads N] [--json]

The sides take turns in random order, each for a burst of calls. A line tells the time of a call, the medians of the
ratios of bursts to the core's and to PyTorch's (where it is installed), below 1 where accel is faster, and the largest
difference from the core's numbers. PyTorch is called by its own ops, backward by the one that autograd calls. The
thresholds of tinytorch_accel/thresholds.py do not apply: this is where they come from. On a busy machine compare with
`--threads 1` only: whose threads find a free processor is luck, and PyTorch's wait for each other.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from tinytorch.plugins import registry
from tinytorch_accel.compiled import kernels
from tinytorch_accel.processors import available

BURST = 2e-3  # seconds of one side before the next
GRID = [
    (1, 8),
    (4, 16),
    (8, 64),
    (16, 256),
    (64, 256),
    (256, 384),
    (1024, 384),
    (1024, 1536),
    (4096, 1024),
    (8192, 2048),
]
Call = Callable[[], Any]


def gelu(rng: np.random.Generator, rows: int, width: int, form: str = "none") -> tuple[Any, ...]:
    """Arguments of gelu."""
    return rng.standard_normal((rows, width), np.float32), form


def gelu_grad(rng: np.random.Generator, rows: int, width: int, form: str = "none") -> tuple[Any, ...]:
    """Arguments of gelu's backward."""
    x, form = gelu(rng, rows, width, form)
    return rng.standard_normal(x.shape, np.float32), x, core("gelu")(x, form)[1], form


def layer_norm(rng: np.random.Generator, rows: int, width: int) -> tuple[Any, ...]:
    """Arguments of layer_norm."""
    weight, bias = rng.standard_normal((2, width), np.float32)
    return rng.standard_normal((rows, width), np.float32), weight, bias, 1, 1e-5


def layer_norm_grad(rng: np.random.Generator, rows: int, width: int) -> tuple[Any, ...]:
    """Arguments of layer_norm's backward."""
    x, weight, bias, ndim, eps = layer_norm(rng, rows, width)
    _, mean, rstd = core("layer_norm")(x, weight, bias, ndim, eps)
    return rng.standard_normal(x.shape, np.float32), x, weight, mean, rstd, ndim


ARGUMENTS: dict[str, Callable[..., tuple[Any, ...]]] = {
    "gelu": gelu,
    "gelu tanh": lambda *args: gelu(*args, form="tanh"),
    "gelu_grad": gelu_grad,
    "gelu_grad tanh": lambda *args: gelu_grad(*args, form="tanh"),
    "layer_norm": layer_norm,
    "layer_norm_grad": layer_norm_grad,
}


def core(op: str) -> Callable[..., Any]:
    """Return the core's kernel."""
    return registry.find(op).kernel


def in_torch(op: str, args: tuple[Any, ...]) -> Call | None:
    """Return PyTorch's call for the same arguments, None where it is not installed."""
    if importlib.util.find_spec("torch") is None:
        return None
    import torch

    aten = torch.ops.aten
    given = [torch.from_numpy(each) if isinstance(each, np.ndarray) else each for each in args]
    if op.startswith("gelu_grad"):
        return lambda: aten.gelu_backward(given[0], given[1], approximate=args[3])
    if op.startswith("gelu"):
        return lambda: aten.gelu(given[0], approximate=args[1])
    if op == "layer_norm":
        return lambda: aten.native_layer_norm(given[0], given[1].shape, given[1], given[2], args[4])
    grad, x, weight, mean, rstd, _ = given
    shape, mask = weight.shape, [True, True, True]
    return lambda: aten.native_layer_norm_backward(grad, x, shape, mean, rstd, weight, weight, mask)


def compare(op: str, size: tuple[int, int], rounds: int) -> dict[str, Any]:
    """Return ratios of time to the core's and PyTorch's, and the difference from the core's numbers."""
    name = op.removesuffix(" tanh")
    args = ARGUMENTS[op](np.random.default_rng(0), *size)
    mine, cores = getattr(kernels, name), core(name)
    sides: dict[str, Call] = {"accel": lambda: mine(*args), "core": lambda: cores(*args)}
    if torchs := in_torch(op, args):
        sides["torch"] = torchs
    difference = max(float(np.abs(a - b).max()) for a, b in zip(arrays(mine(*args)), arrays(cores(*args)), strict=True))
    times = in_turns(sides, rounds)
    ratios = {f"to_{side}": median_ratio(times["accel"], times[side]) for side in sides if side != "accel"}
    microseconds = 1e6 * statistics.median(times["accel"])
    return {"op": op, "rows": size[0], "width": size[1], "us": microseconds, **ratios, "difference": difference}


def arrays(answer: Any) -> tuple[Any, ...]:
    """Return the outputs of an op, of one too, as a tuple."""
    return answer if isinstance(answer, tuple) else (answer,)


def in_turns(sides: dict[str, Call], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of a call of each side in each round."""
    calls = {side: max(1, int(BURST / seconds(call, 3))) for side, call in sides.items()}
    times: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(rounds):
        for side in random.sample(list(sides), len(sides)):
            times[side].append(seconds(sides[side], calls[side]))
    return times


def seconds(call: Call, count: int) -> float:
    """Return the mean time of `count` calls."""
    start = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count


def median_ratio(ours: list[float], theirs: list[float]) -> float:
    """Return the median of the ratios, round by round."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def main() -> None:
    """Print a line for each op and size."""
    parser = argparse.ArgumentParser(description="Time the ops of tinytorch-accel beside the core's and PyTorch's.")
    parser.add_argument("ops", nargs="*", help="ops, all by default")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=available())
    parser.add_argument("--json", action="store_true", help="print lines of JSON")
    asked = parser.parse_args()
    kernels.set_threads(asked.threads)
    if importlib.util.find_spec("torch"):
        import torch

        torch.set_num_threads(asked.threads)
    print(
        f"{kernels.isa()}, {asked.threads} threads; time of accel / time of the other, median of {asked.rounds} rounds"
    )
    for op in [op for op in ARGUMENTS if not asked.ops or op.split()[0] in asked.ops]:
        for size in GRID:
            row = compare(op, size, asked.rounds)
            print(json.dumps(row) if asked.json else line(row), flush=True)


def line(row: dict[str, Any]) -> str:
    """Return a row of the table."""
    torchs = f"{row['to_torch']:9.2f}" if "to_torch" in row else " " * 9
    size = f"{row['rows']} x {row['width']}"
    return f"{row['op']:16}{size:>13}{row['us']:11.1f} us{row['to_core']:8.2f}{torchs}   {row['difference']:.1e}"


if __name__ == "__main__":
    main()
