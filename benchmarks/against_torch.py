"""The core, alone or with plugins, against PyTorch eager: the same work, the same weights, the same threads.

Each side is a process of its own that waits for orders; bursts are interleaved in random order, and a row is the median
over rounds of the ratio (our time / PyTorch's), with the smallest and largest. Results are compared before anything is
timed. Expected before measuring, on two cores: mlp 0.7-0.9, cnn 1.4-1.7, gpt 1.2-1.5, add 0.6-0.9, chain 0.8-1.0.

    python benchmarks/against_torch.py [--rounds 15] [--threads 2] [--plugins accel] [--only cnn] [--json]
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

BARS = {
    "mlp": 0.9,
    "mlp-momentum": None,
    "mlp-adam": None,
    "cnn": 1.7,
    "cnn-momentum": None,
    "cnn-adam": None,
    "gpt": 1.35,
    "add": 1.0,
    "chain": 1.0,
}
BURST_SECONDS = 0.3
PAUSE_SECONDS = 0.15  # until the other side's idle threads have stopped spinning


def main() -> int:
    """Run the comparison and print it."""
    arguments = parsed()
    if arguments.worker:
        return serve(arguments.worker)
    sides = {name: Side(name, arguments.threads, arguments.plugins) for name in ("tinytorch", "torch")}
    rows = [measured(workload, sides, arguments.rounds) for workload in arguments.only or BARS]
    for side in sides.values():
        side.close()
    print(json.dumps(rows, indent=1) if arguments.json else table(rows))
    return int(any(row["bar"] is not None and row["ratio"] > row["bar"] for row in rows))


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--plugins", default="", help="for tinytorch, as TINYTORCH_PLUGINS has them; none by default")
    parser.add_argument("--only", action="append", choices=list(BARS))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    return parser.parse_args()


class Side:
    """One implementation in a process of its own."""

    def __init__(self, name: str, threads: int, plugins: str) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
        environment["TINYTORCH_PLUGINS"] = plugins
        command = [sys.executable, str(Path(__file__)), "--worker", name]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def ask(self, order: str) -> list[float]:
        """Send an order and wait for its numbers."""
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self.process.stdin.close()
        self.process.wait()


def measured(workload: str, sides: dict[str, Side], rounds: int) -> dict[str, object]:
    """One row: check that both compute the same, then time interleaved bursts."""
    ours, theirs = (sides[name].ask(f"check {workload}") for name in ("tinytorch", "torch"))
    worst = max(abs(a - b) / max(1.0, abs(b)) for a, b in zip(ours, theirs, strict=True))
    if worst > 1e-4:
        raise SystemExit(f"{workload}: results differ by {worst:.2e}, nothing was timed: {ours} against {theirs}")
    ratios, seconds = [], {"tinytorch": [], "torch": []}
    for _ in range(rounds):
        for name in random.sample(sorted(sides), 2):
            seconds[name].append(sides[name].ask(f"time {workload}")[0])
        ratios.append(seconds["tinytorch"][-1] / seconds["torch"][-1])
    middle = {name: statistics.median(values) * 1e6 for name, values in seconds.items()}
    return {
        "workload": workload,
        "ratio": statistics.median(ratios),
        "low": min(ratios),
        "high": max(ratios),
        "bar": BARS[workload],
        "tinytorch_us": middle["tinytorch"],
        "torch_us": middle["torch"],
        "difference": worst,
    }


def table(rows: list[dict[str, object]]) -> str:
    """The rows as Markdown."""
    lines = [
        "| workload | ratio | range | bar | tinytorch µs | torch µs | difference |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        bar = "-" if row["bar"] is None else f"<= {row['bar']}"
        lines.append(
            f"| {row['workload']} | {row['ratio']:.2f} | {row['low']:.2f}-{row['high']:.2f} | {bar} "
            f"| {row['tinytorch_us']:.0f} | {row['torch_us']:.0f} | {row['difference']:.0e} |"
        )
    return "\n".join(lines)


def serve(name: str) -> int:
    """The worker: answer orders until there are no more."""
    framework = __import__(name)
    if name == "torch":
        framework.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    for line in sys.stdin:
        order, workload = line.split()
        step = WORKLOADS[workload](framework)
        answer = [float(step()) for _ in range(5)] if order == "check" else [burst(step)]
        print(json.dumps(answer), flush=True)
    return 0


def burst(step: object) -> float:
    """Seconds for one step: the median of what fits into a burst, after a warm-up."""
    time.sleep(PAUSE_SECONDS)
    times: list[float] = []
    for _ in range(3):
        step()
    end = time.perf_counter() + BURST_SECONDS
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def arrays(shapes: list[tuple[int, ...]], scale: float) -> list[object]:
    """The same weights and data on both sides."""
    import numpy as np

    generator = np.random.default_rng(0)
    return [(generator.standard_normal(shape) * scale).astype(np.float32) for shape in shapes]


def training_step(framework: object, model: object, x: object, y: object, optimizer: str) -> object:
    """Forward, loss, backward and update; the step returns the loss."""
    for parameter, values in zip(
        model.parameters(), arrays([tuple(p.shape) for p in model.parameters()], 0.05), strict=True
    ):
        parameter.data = framework.from_numpy(values)
    fused = {"fused": True} if framework.__name__ == "torch" else {}
    make = {
        "sgd": lambda: framework.optim.SGD(model.parameters(), lr=0.01, **fused),
        "momentum": lambda: framework.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, **fused),
        "adam": lambda: framework.optim.Adam(model.parameters(), lr=1e-3, **fused),
        "adamw": lambda: framework.optim.AdamW(model.parameters(), lr=1e-3, **fused),
    }
    update = make[optimizer]()
    loss_fn = framework.nn.CrossEntropyLoss()

    def step() -> object:
        scores = model(x)
        loss = loss_fn(scores.reshape(-1, scores.shape[-1]), y)
        update.zero_grad()
        loss.backward()
        update.step()
        return loss.item()

    return step


def labels(framework: object, count: int) -> object:
    """Class numbers 0 ... 9."""
    return framework.arange(count) % 10


def mlp(framework: object, optimizer: str = "sgd") -> object:
    """784-256-10 with ReLU, batch 128."""
    nn = framework.nn
    model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
    (x,) = arrays([(128, 784)], 1.0)
    return training_step(framework, model, framework.from_numpy(x), labels(framework, 128), optimizer)


def cnn(framework: object, optimizer: str = "sgd") -> object:
    """Conv 3-32, conv 32-64, pool, linear; batch 32 of 32 x 32."""
    nn = framework.nn
    model = nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64 * 16 * 16, 10),
    )
    (x,) = arrays([(32, 3, 32, 32)], 1.0)
    return training_step(framework, model, framework.from_numpy(x), labels(framework, 32), optimizer)


def gpt(framework: object) -> object:
    """A character GPT: 4 layers, 128 wide, 4 heads, batch 16 of 64 tokens out of 65, AdamW."""
    module = importlib.import_module("gpt_in_torch" if framework.__name__ == "torch" else "tinytorch.models")
    model = module.GPT(65, 64, layers=4, heads=4, width=128)
    tokens = framework.arange(16 * 64) * 7 % 65
    return training_step(framework, model, tokens.reshape(16, 64), (tokens + 7) % 65, "adamw")


def leaves(framework: object) -> list[object]:
    """Two (8, 8) tensors that require grad."""
    return [framework.from_numpy(values).requires_grad_() for values in arrays([(8, 8), (8, 8)], 0.5)]


def add(framework: object) -> object:
    """One addition with its gradient."""
    a, b = leaves(framework)
    gradient = framework.ones(8, 8)

    def step() -> object:
        a.grad = b.grad = None
        out = a + b
        out.backward(gradient)
        return a.grad

    return Summed(step)


def chain(framework: object) -> object:
    """1000 small ops, forward and backward."""
    a, b = leaves(framework)

    def step() -> object:
        a.grad = b.grad = None
        out = a
        for _ in range(250):
            out = ((out * b + b).tanh()) * 0.5
        out.sum().backward()
        return b.grad

    return Summed(step)


class Summed:
    """A step whose result is summed only when it is compared, not when it is timed."""

    def __init__(self, step: object) -> None:
        self.step = step

    def __call__(self) -> object:
        """Take the step."""
        return Result(self.step())


class Result:
    """A tensor that becomes a number when asked."""

    def __init__(self, tensor: object) -> None:
        self.tensor = tensor

    def __float__(self) -> float:
        return float(self.tensor.sum())


WORKLOADS = {
    "mlp": mlp,
    "mlp-momentum": lambda framework: mlp(framework, "momentum"),
    "mlp-adam": lambda framework: mlp(framework, "adam"),
    "cnn": cnn,
    "cnn-momentum": lambda framework: cnn(framework, "momentum"),
    "cnn-adam": lambda framework: cnn(framework, "adam"),
    "gpt": gpt,
    "add": add,
    "chain": chain,
}

if __name__ == "__main__":
    sys.exit(main())
