"""A character GPT learns a text with tinytorch's core alone and with PyTorch: the validation losses of both.

Four layers, 128 wide, context 64, batches of 16; the recipe `chars` says the optimizer and the schedule. Both sides get
the same first weights and the same batches in the same order. Expected before measuring, on Tiny Shakespeare in 2000
steps: 1.75-1.85 on both sides, no further apart than 0.01. Bars: at most 1.9, at most 0.02 apart, for every seed.

    python benchmarks/characters.py TEXT [--steps 2000] [--seed 0 --seed 1] [--threads 2] [--json]
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import tinytorch
from tinytorch import datasets, models

LOSS_BAR, APART_BAR = 1.9, 0.02
SIDES = ("tinytorch", "torch")
BATCH, CONTEXT = 16, 64
SIZES = {"max_length": CONTEXT, "layers": 4, "heads": 4, "width": 128}
RATE, WARM_UP = 1e-3, 0.05


def main() -> int:
    """Let both sides learn, print the losses, and say by the exit status whether the bars are kept."""
    arguments = parsed()
    if arguments.worker:
        print(json.dumps(learnt(arguments.worker, arguments.text, arguments.steps, arguments.seed[0])))
        return 0
    rows = [
        {"seed": seed, **{side: of_process(side, seed, arguments) for side in SIDES}} for seed in arguments.seed or [0]
    ]
    for row in rows:
        row["apart"] = abs(row["tinytorch"]["validation_loss"] - row["torch"]["validation_loss"])
    print(json.dumps(rows, indent=1) if arguments.json else table(rows))
    return int(any(r["apart"] > APART_BAR or r["tinytorch"]["validation_loss"] > LOSS_BAR for r in rows))


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", type=Path, help="a text in UTF-8")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seed", type=int, action="append")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worker", choices=SIDES, help=argparse.SUPPRESS)
    return parser.parse_args()


def of_process(side: str, seed: int, arguments: argparse.Namespace) -> dict[str, float]:
    """What one side reaches, in a process of its own."""
    threads = str(arguments.threads)
    environment = {**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "TINYTORCH_PLUGINS": ""}
    options = ["--worker", side, "--steps", str(arguments.steps), "--seed", str(seed)]
    command = [sys.executable, str(Path(__file__)), str(arguments.text), *options]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, env=environment, check=True).stdout)


def learnt(name: str, path: Path, steps: int, seed: int) -> dict[str, float]:
    """Train on one side; the same lines for both, since the names are the same."""
    framework = importlib.import_module(name)
    train, held_out = datasets.characters(path, CONTEXT)
    model = made(name, train.tokenizer.vocab_size, seed)
    optimizer = framework.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.99), weight_decay=0.1)
    schedule = warm_cosine(framework.optim.lr_scheduler, optimizer, steps)
    start = time.perf_counter()
    for step, rows in enumerate(batches(len(train), steps, seed), 1):
        loss = loss_of(framework, model, train, rows)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 0 or step == steps:
            print(f"{name}, seed {seed}: step {step} of {steps}, loss {loss.item():.3f}", file=sys.stderr)
    seconds = time.perf_counter() - start
    with framework.no_grad():
        parts = np.array_split(np.arange(len(held_out)), math.ceil(len(held_out) / 64))
        total = sum(loss_of(framework, model, held_out, rows).item() * len(rows) for rows in parts)
    return {"validation_loss": total / len(held_out), "seconds": seconds}


def made(name: str, vocab_size: int, seed: int) -> object:
    """The model of one side, with the first weights that tinytorch draws."""
    tinytorch.manual_seed(seed)
    first = models.GPT(vocab_size, **SIZES)
    if name == "tinytorch":
        return first
    model = importlib.import_module("tinytorch_bench.peers.twins").GPT(vocab_size, **SIZES)
    for parameter, values in zip(model.parameters(), first.parameters(), strict=True):
        parameter.data.copy_(importlib.import_module("torch").from_numpy(values.detach().numpy()))
    return model


def warm_cosine(schedulers: object, optimizer: object, steps: int) -> object:
    """The recipe's schedule: up for a twentieth of the steps, then down to 0 along half a cosine."""
    warm = math.ceil(WARM_UP * steps)
    rising = schedulers.LinearLR(optimizer, start_factor=1 / (warm + 1), total_iters=warm)
    return schedulers.SequentialLR(
        optimizer, [rising, schedulers.CosineAnnealingLR(optimizer, T_max=steps - warm)], [warm]
    )


def batches(windows: int, steps: int, seed: int) -> object:
    """Numbers of windows, a row for each step: all of them in random order, as often as needed."""
    generator = np.random.default_rng(seed)
    rounds = [generator.permutation(windows) for _ in range(math.ceil(steps * BATCH / windows))]
    return np.concatenate(rounds)[: steps * BATCH].reshape(steps, BATCH)


def loss_of(framework: object, model: object, windows: object, rows: object) -> object:
    """Cross-entropy of the next character in some windows."""
    x, y = (framework.from_numpy(tensor.numpy()[rows]) for tensor in windows.tensors)
    scores = model(x)
    return framework.nn.functional.cross_entropy(scores.reshape(-1, scores.shape[-1]), y.reshape(-1))


def table(rows: list[dict[str, object]]) -> str:
    """The rows as Markdown."""
    lines = ["| seed | tinytorch | PyTorch | apart | seconds, tinytorch | PyTorch |", "|---|---|---|---|---|---|"]
    for row in rows:
        ours, theirs = (row[side] for side in SIDES)
        lines.append(
            f"| {row['seed']} | {ours['validation_loss']:.4f} | {theirs['validation_loss']:.4f} | {row['apart']:.4f} "
            f"| {ours['seconds']:.0f} | {theirs['seconds']:.0f} |"
        )
    return "\n".join([*lines, "", f"bars: validation loss at most {LOSS_BAR}, at most {APART_BAR} apart"])


if __name__ == "__main__":
    sys.exit(main())
