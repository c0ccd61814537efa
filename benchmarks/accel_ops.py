"""Each op of tinytorch-accel beside the core's and PyTorch's, from 8 to 16 million numbers.

    python benchmarks/accel_ops.py [OP ...] [--rounds 15] [--threads N] [--json]

The sides take turns in random order, each for a burst of calls. A line tells the time of a call, the medians of the
ratios of bursts to the core's and to PyTorch's (where it is installed), below 1 where accel is faster, and the largest
difference from the core's numbers. Accel's time includes the way through the table, as for a person; the core's kernel
has none. PyTorch is called by its own ops, backward by the one that autograd calls. What an op declines shows the
core's time on both sides. On a busy machine compare with `--threads 1` only: whose threads find a free processor is
luck, and PyTorch's wait for each other.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import accel_elementwise
import accel_images
import numpy as np

from tinytorch import plugins
from tinytorch.plugins import registry
from tinytorch_accel.compiled import kernels
from tinytorch_accel.processors import available

BURST = 2e-3  # seconds of one side before the next
GRID = [
    (1, 8),
    (2, 16),
    (4, 32),
    (8, 64),
    (16, 128),
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


def softmax(rng: np.random.Generator, rows: int, width: int) -> tuple[Any, ...]:
    """Arguments of softmax and its logarithm."""
    return rng.standard_normal((rows, width), np.float32), 1


def softmax_grad(rng: np.random.Generator, rows: int, width: int, of: str = "softmax") -> tuple[Any, ...]:
    """Arguments of their backward."""
    x, axis = softmax(rng, rows, width)
    return rng.standard_normal(x.shape, np.float32), core(of)(x, axis), axis


def cross_entropy(rng: np.random.Generator, rows: int, width: int) -> tuple[Any, ...]:
    """Arguments of cross_entropy."""
    return rng.standard_normal((rows, width), np.float32), rng.integers(0, width, rows)


def cross_entropy_grad(rng: np.random.Generator, rows: int, width: int) -> tuple[Any, ...]:
    """Arguments of cross_entropy's backward."""
    scores, target = cross_entropy(rng, rows, width)
    return rng.standard_normal(rows, np.float32), scores, target, core("cross_entropy")(scores, target)[1]


def attention(rng: np.random.Generator, rows: int, width: int) -> tuple[Any, ...]:
    """Arguments of causal attention: sequences of at most 256 tokens, heads of at most 64 numbers, side by side."""
    time, head = min(rows, 256), min(width, 64)
    shape = rows // time, time, width // head, head
    q, k, v = (rng.standard_normal(shape, np.float32).transpose(0, 2, 1, 3) for _ in range(3))
    return q, k, v, None, True, head**-0.5


def attention_grad(rng: np.random.Generator, rows: int, width: int) -> tuple[Any, ...]:
    """Arguments of causal attention's backward."""
    q, k, v, mask, causal, scale = attention(rng, rows, width)
    out, log_sums = core("attention")(q, k, v, mask, causal, scale)
    return rng.standard_normal(q.shape, np.float32), q, k, v, mask, out, log_sums, causal, scale


ARGUMENTS: dict[str, Callable[..., tuple[Any, ...]]] = {
    "gelu": gelu,
    "gelu tanh": lambda *args: gelu(*args, form="tanh"),
    "gelu_grad": gelu_grad,
    "gelu_grad tanh": lambda *args: gelu_grad(*args, form="tanh"),
    "layer_norm": layer_norm,
    "layer_norm_grad": layer_norm_grad,
    "softmax": softmax,
    "softmax_grad": softmax_grad,
    "log_softmax": softmax,
    "log_softmax_grad": lambda *args: softmax_grad(*args, of="log_softmax"),
    "cross_entropy": cross_entropy,
    "cross_entropy_grad": cross_entropy_grad,
    "attention": attention,
    "attention_grad": attention_grad,
    **{op: partial(accel_images.arguments, op) for op in accel_images.SIZES},
    **accel_elementwise.ARGUMENTS,
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
    if op in accel_elementwise.ARGUMENTS or "softmax" in op or op.startswith(("cross", "attention")):
        return accel_elementwise.in_torch(op, given) if op in accel_elementwise.ARGUMENTS else more_in_torch(op, given)
    if op.startswith("gelu_grad"):
        return lambda: aten.gelu_backward(given[0], given[1], approximate=args[3])
    if op.startswith("gelu"):
        return lambda: aten.gelu(given[0], approximate=args[1])
    if op == "layer_norm":
        return lambda: aten.native_layer_norm(given[0], given[1].shape, given[1], given[2], args[4])
    grad, x, weight, mean, rstd, _ = given
    shape, mask = weight.shape, [True, True, True]
    return lambda: aten.native_layer_norm_backward(grad, x, shape, mean, rstd, weight, weight, mask)


def more_in_torch(op: str, given: list[Any]) -> Call:
    """Return PyTorch's call of the ops on probabilities."""
    import torch

    aten, functional = torch.ops.aten, torch.nn.functional
    if op.endswith("softmax"):
        return lambda: getattr(aten, f"_{op}")(*given, False)
    if op.endswith("softmax_grad"):
        return lambda: getattr(aten, f"_{op.removesuffix('_grad')}_backward_data")(*given, torch.float32)
    if op == "cross_entropy":
        return lambda: functional.cross_entropy(*given, reduction="none")
    if op == "cross_entropy_grad":
        logs, nothing = functional.log_softmax(given[1], 1), torch.tensor(0.0)
        losses = lambda: aten.nll_loss_backward(given[0], logs, given[2], None, 0, -100, nothing)  # noqa: E731
        return lambda: aten._log_softmax_backward_data(losses(), logs, 1, torch.float32)  # noqa: SLF001
    flash = "_scaled_dot_product_flash_attention_for_cpu"
    if op == "attention":
        return lambda: getattr(aten, flash)(*given[:3], 0.0, is_causal=True)
    grad, q, k, v = given[:4]
    out, log_sums = getattr(aten, flash)(q, k, v, 0.0, is_causal=True)
    return lambda: getattr(aten, flash + "_backward")(grad, q, k, v, out, log_sums, 0.0, is_causal=True)


def compare(op: str, size: tuple[Any, ...], rounds: int) -> dict[str, Any]:
    """Return ratios of time to the core's and PyTorch's, and the difference from the core's numbers."""
    name = op.split(maxsplit=1)[0]
    args = ARGUMENTS[op](np.random.default_rng(0), *size)
    with plugins.using("accel"):
        mine, cores = plugins.table[name], core(name)
    sides: dict[str, Call] = {"accel": lambda: mine(*args), "core": lambda: cores(*args)}
    find_torchs = accel_images.in_torch if op in accel_images.SIZES else in_torch
    if torchs := find_torchs(op, args):
        sides["torch"] = torchs
    difference = max(float(np.abs(a - b).max()) for a, b in zip(arrays(mine(*args)), arrays(cores(*args)), strict=True))
    times = in_turns(sides, rounds)
    ratios = {f"to_{side}": median_ratio(times["accel"], times[side]) for side in sides if side != "accel"}
    microseconds = 1e6 * statistics.median(times["accel"])
    return {"op": op, "size": size, "us": microseconds, **ratios, "difference": difference}


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
    with plugins.using("accel"):
        kernels.set_threads(asked.threads)
    if importlib.util.find_spec("torch"):
        import torch

        torch.set_num_threads(asked.threads)
    print(
        f"{kernels.isa()}, {asked.threads} threads; time of accel / time of the other, median of {asked.rounds} rounds"
    )
    for op in [op for op in ARGUMENTS if not asked.ops or op.split()[0] in asked.ops]:
        for size in accel_images.SIZES.get(op, GRID):
            row = compare(op, size, asked.rounds)
            print(json.dumps(row) if asked.json else line(row), flush=True)


def line(row: dict[str, Any]) -> str:
    """Return a row of the table."""
    torchs = f"{row['to_torch']:9.2f}" if "to_torch" in row else " " * 9
    size = " ".join("x".join(map(str, each)) if isinstance(each, tuple) else str(each) for each in row["size"])
    return f"{row['op']:18}{size:>13}{row['us']:11.1f} us{row['to_core']:8.2f}{torchs}   {row['difference']:.1e}"


if __name__ == "__main__":
    main()
