"""The memory that attention and cross-entropy need, forward and backward: ours against PyTorch's math path.

Each measurement is a process of its own. It makes the inputs, takes a step on tiny ones, and then tells by how much the
largest resident memory of one step lies above the memory resident before it, gradients of the inputs included. Linux
only. Both sides' results are compared. The bar is a ratio of 1. Whole training steps, against PyTorch's best form, are
weighed by `tinytorch bench peers training`.

Expected before measuring: attention (16 heads of 1024 tokens, 64 wide) 30 MiB against 200 to 300, a ratio of 0.1 to
0.2, since one array of scores is 64 MiB and PyTorch keeps the weights, their gradient and a mask; cross-entropy (scores
of 128 MiB) 130 MiB against 390, a ratio of 0.33, since PyTorch keeps the log softmax and makes two gradients.

    python benchmarks/memory.py [--rounds 3] [--threads 2] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from tinytorch_bench.peers import memory

BAR = 1.0
MIB = 1 << 20


def main() -> int:
    """Measure, print and tell by the exit status whether the bar is met."""
    arguments = parsed()
    if arguments.worker:
        print(json.dumps(growth(*arguments.worker)))
        return 0
    rows = [measured(workload, arguments.rounds, arguments.threads) for workload in WORKLOADS]
    print(json.dumps(rows, indent=1) if arguments.json else table(rows))
    return int(any(row["ratio"] > BAR for row in rows))


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


def measured(workload: str, rounds: int, threads: int) -> dict[str, object]:
    """One row: the medians of both sides, if they computed the same."""
    sides = {name: [asked(name, workload, threads) for _ in range(rounds)] for name in ("tinytorch", "torch")}
    ours, theirs = (sides[name][0]["result"] for name in sides)
    if not np.allclose(ours, theirs, rtol=1e-4, atol=1e-6):
        raise SystemExit(f"{workload}: results differ, {ours} against {theirs}")
    middle = {name: statistics.median(each["bytes"] for each in answers) / MIB for name, answers in sides.items()}
    return {
        "workload": workload,
        "ratio": middle["tinytorch"] / middle["torch"],
        "bar": BAR,
        **{f"{name}_mib": value for name, value in middle.items()},
    }


def asked(name: str, workload: str, threads: int) -> dict[str, object]:
    """What a worker tells."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    environment["TINYTORCH_PLUGINS"] = ""  # the core alone
    command = [sys.executable, str(Path(__file__)), "--worker", name, workload]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout)


def table(rows: list[dict[str, object]]) -> str:
    """The rows as Markdown."""
    lines = ["| workload | ratio | bar | tinytorch MiB | torch MiB |", "|---|---|---|---|---|"]
    lines += [
        f"| {row['workload']} | {row['ratio']:.2f} | <= {row['bar']} | {row['tinytorch_mib']:.0f} "
        f"| {row['torch_mib']:.0f} |"
        for row in rows
    ]
    return "\n".join(lines)


def growth(name: str, workload: str) -> dict[str, object]:
    """The worker: bytes by which a step's peak lies above what was resident, and numbers to compare."""
    framework = __import__(name)
    make, tiny, real = WORKLOADS[workload]
    make(framework, *tiny)()
    step = make(framework, *real)
    gradients = []
    peak = memory.growth(lambda: gradients.extend(step()), count=1)
    return {"bytes": peak, "result": [float((each * each).sum()) for each in gradients]}


def attention(framework: object, *shape: int) -> object:
    """Causal attention with its gradients: (batch, heads, time, width)."""
    inputs = [leaf(framework, seed, shape) for seed in range(3)]
    attend = framework.nn.functional.scaled_dot_product_attention

    def step() -> list[object]:
        with math_path(framework):
            attend(*inputs, is_causal=True).backward(inputs[0].detach())
        return [each.grad for each in inputs]

    return step


def cross_entropy(framework: object, rows: int, classes: int) -> object:
    """The mean loss of rows of scores, with its gradient."""
    scores, target = leaf(framework, 0, (rows, classes)), framework.arange(rows) * 7 % classes

    def step() -> list[object]:
        framework.nn.functional.cross_entropy(scores, target).backward()
        return [scores.grad]

    return step


def leaf(framework: object, seed: int, shape: tuple[int, ...]) -> object:
    """The same numbers on both sides, as a tensor that requires grad."""
    numbers = np.random.default_rng(seed).standard_normal(shape, np.float32)
    return framework.from_numpy(numbers).requires_grad_()


def math_path(framework: object) -> object:
    """PyTorch's attention written out, not one of its fused kernels."""
    if framework.__name__ != "torch":
        return nullcontext()
    from torch.nn.attention import SDPBackend, sdpa_kernel

    return sdpa_kernel(SDPBackend.MATH)


WORKLOADS = {
    "attention": (attention, (1, 1, 8, 4), (4, 4, 1024, 64)),
    "cross-entropy": (cross_entropy, (8, 4), (4 * 1024, 8192)),
}

if __name__ == "__main__":
    sys.exit(main())
