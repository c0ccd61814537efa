"""What removing channels costs and brings: the digits' CNN, trained, pruned, trained again; each seed by itself.

    python benchmarks/structured_pruning.py                    # three seeds, half of the channels of every layer
    python benchmarks/structured_pruning.py --seeds 5 --amount 0.3 --json
    python benchmarks/structured_pruning.py --seeds 5 --latency       # no training, half a minute

Latencies are ratios: pruned and dense model run in turns on the same images, the median of the rounds. They depend on
shapes alone, which is why `--latency` times models that have learned nothing, and adds what a pass of the dense one
takes. TINYTORCH_PLUGINS=accel lets that plugin answer in both.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import tinytorch as tt
from tinytorch import models, recipes
from tinytorch.core.module import Module
from tinytorch.recipes import SavedModel
from tinytorch_compress import cost, prune_structured

ROUNDS, BURST = 41, 3  # a burst of passes of one model, then of the other
BATCHES = (1, 8, 32, 256)


def measure(seed: int, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Train, prune and train again with one seed."""
    dense = trained(seed, folder)
    accuracy = dense.evaluate()["accuracy"]
    pruned = recipes.load_model(folder / "dense.npz")
    examples = tt.zeros(1, 1, 8, 8)
    before = cost(pruned.model, examples)
    prune_structured(pruned.model, examples, options.amount, options.importance, global_=options.globally)
    at_once = pruned.evaluate()["accuracy"]
    pruned.trainer(options.epochs).fit(pruned.train_batches, options.epochs)
    pruned.model.eval()
    after = cost(pruned.model, examples)
    recipes.save_model(pruned, folder / "pruned.npz")
    sizes = [(folder / f"{name}.npz").stat().st_size for name in ("dense", "pruned")]
    return {
        "seed": seed,
        "dense": accuracy,
        "at once": at_once,
        "tuned": recipes.load_model(folder / "pruned.npz").evaluate()["accuracy"],
        "parameters": after.parameters / before.parameters,
        "macs": after.macs / before.macs,
        "bytes": sizes[1] / sizes[0],
        **{f"latency {batch}": latency(pruned.model, dense.model, batch)[0] for batch in BATCHES},
    }


def trained(seed: int, folder: Path) -> SavedModel:
    """Train the recipe's model and write it to `dense.npz`."""
    recipes.prepare(recipes.find("digits-cnn"), seed=seed, checkpoint=folder / "run.npz").fit()
    saved = recipes.load_model(folder / "run.npz")
    recipes.save_model(saved, folder / "dense.npz")
    return saved


def latencies(seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Prune a model that has learned nothing, and time it for each number of images."""
    tt.manual_seed(seed)
    dense, pruned = models.digits_cnn().eval(), models.digits_cnn().eval()
    prune_structured(pruned, tt.zeros(1, 1, 8, 8), options.amount, options.importance, global_=options.globally)
    found: dict[str, Any] = {"seed": seed}
    for batch in BATCHES:
        found[f"latency {batch}"], found[f"dense ms {batch}"] = latency(pruned, dense, batch)
    return found


def latency(pruned: Module, dense: Module, batch: int) -> tuple[float, float]:
    """The pruned model's time over the dense one's, and the dense one's for a pass, in milliseconds."""
    x = tt.rand(batch, 1, 8, 8)
    with tt.no_grad():
        times = [(seconds(pruned, x), seconds(dense, x)) for _ in range(ROUNDS)]
    return statistics.median(one / other for one, other in times), 1e3 * statistics.median(other for _, other in times)


def seconds(model: Module, x: tt.Tensor) -> float:
    """The time of a pass, in a burst of some."""
    start = time.perf_counter()
    for _ in range(BURST):
        model(x)
    return (time.perf_counter() - start) / BURST


def main() -> None:
    """Show a line for each seed."""
    parser = argparse.ArgumentParser(description="What removing channels costs and brings.")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--amount", type=float, default=0.5)
    parser.add_argument("--importance", default="magnitude")
    parser.add_argument("--globally", action="store_true", help="one budget for all layers")
    parser.add_argument("--epochs", type=int, default=10, help="of training again")
    parser.add_argument("--latency", action="store_true", help="nothing but the latencies, without training")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = []
    for seed in range(options.seeds):
        with tempfile.TemporaryDirectory() as folder:
            found.append(latencies(seed, options) if options.latency else measure(seed, options, Path(folder)))
        if not options.json:
            print(", ".join(f"{name} {value:.4g}" for name, value in found[-1].items()), flush=True)
    if options.json:
        print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
