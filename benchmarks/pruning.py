"""What pruning costs in accuracy: of the digits CNN after fine-tuning, and of a keyword spotter in one shot.

    python benchmarks/pruning.py digits [--seeds 0 1 2 3 4] [--sparsity 0.9] [--epochs 20] [--lr 2e-3] [--json]
    python benchmarks/pruning.py recipe benchmarks/smallest_digits.toml [--seeds 0 1 2 3 4] [--json]
    python benchmarks/pruning.py kws FOLDER [--json]

`digits` trains the recipe digits-cnn with each seed, prunes it gradually over all layers in the first half of a second
training, and tests both on the 359 held-out images: one image is 0.28 points. `recipe` does the same with the steps of
a file for `tinytorch compress`, of which other plugins may bring some. `kws` masks the trained DS-CNN of MLPerf
Tiny, whose float weights (kws_ref_float32.npz) and 1000 official samples (kws01_samples.npz) lie in the folder: the
smallest weights over all layers, or in each, without any training.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path

import numpy as np

import tinytorch as tt
from tinytorch import models, plugins, recipes
from tinytorch.core.layers import BatchNorm2d
from tinytorch_compress import plugin
from tinytorch_compress.curves import curve
from tinytorch_compress.pipeline import Step, run
from tinytorch_compress.reading import read_recipe

SPARSITIES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
SCALE, ZERO = 0.5847029089927673, 83  # of the int8 model's input, in which the samples are written


def main() -> None:
    """Run what was asked for and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["digits", "recipe", "kws"])
    parser.add_argument("path", type=Path, nargs="?", default=Path("shared/data/kws"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--sparsity", type=float, default=0.9)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = kws(asked.path) if asked.what == "kws" else digits(asked)
    print(json.dumps(found, indent=1) if asked.json else table(found))


def digits(asked: argparse.Namespace) -> list[dict[str, float]]:
    """A row for each seed, and the means."""
    if "compress" not in {found.name for found in plugins.list()}:
        plugins.register(plugin, "compress")
    names, steps = [], [Step("prune", {"sparsity": asked.sparsity}, asked.epochs, asked.lr)]
    if asked.what == "recipe":
        names, steps = read_recipe(asked.path)
    with plugins.using("compress", *names):
        rows = [changed(seed, steps) for seed in asked.seeds]
    return [*rows, {"seed": "mean", **{key: statistics.mean(row[key] for row in rows) for key in [*rows[0]][1:]}}]


def changed(seed: int, steps: list[Step]) -> dict[str, float]:
    """Train, change the model step by step: accuracies in percent, and how much smaller the file is."""
    dense = recipes.prepare(recipes.find("digits-cnn"), seed=seed)
    dense.fit()
    parts = (dense.trainer.notes, dense.trainer.epoch, dense.trainer.model, dense.train_batches, dense.test_batches)
    stages = [stage for _, stage in run(recipes.SavedModel(dense.recipe, dense.settings, *parts), steps, seed=seed)]
    before, after = stages[0], stages[-1]
    return {
        "seed": seed,
        "dense %": 100 * before.accuracy,
        "changed %": 100 * after.accuracy,
        "lost points": 100 * (before.accuracy - after.accuracy),
        "deflated bytes": after.packed_bytes,
        "times smaller": before.bytes / after.packed_bytes,
    }


def kws(folder: Path) -> list[dict[str, float]]:
    """A row for each sparsity: accuracies on the 1000 samples in percent, over all layers and layer by layer."""
    model = keyword_spotter(folder / "kws_ref_float32.npz")
    with np.load(folder / "kws01_samples.npz") as samples:
        inputs = tt.tensor((samples["features"].astype("float32") - ZERO).reshape(-1, 1, 49, 10) * SCALE)
        labels = samples["labels"].ravel()

    def accuracy(pruned: tt.nn.Module) -> float:
        with tt.no_grad():
            return 100 * float((pruned(inputs).numpy().argmax(1) == labels).mean())

    scopes = [curve(model, accuracy, SPARSITIES, scope=scope) for scope in ("global", "layer")]
    return [
        {"sparsity %": 100 * over_all.sparsity, "over all layers %": over_all.score, "in each layer %": each.score}
        for over_all, each in zip(*scopes, strict=True)
    ]


def keyword_spotter(path: Path) -> tt.nn.Module:
    """The DS-CNN with the reference's float weights; the file counts the layers that have any."""
    model = models.ds_cnn().eval()
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files if "OPTIMIZER" not in name}
    layers = [layer for layer in model if [*layer.parameters()]]
    for number, layer in enumerate(layers):
        mine = {key.split("/")[1]: array for key, array in arrays.items() if key.split("/")[0] == str(number)}
        if isinstance(layer, BatchNorm2d):
            values = [mine[key] for key in ("gamma", "beta", "moving_mean", "moving_variance")]
            tensors = [layer.weight, layer.bias, layer.running_mean, layer.running_var]
        else:
            tensors, values = [layer.weight, layer.bias], [turned(mine), mine["bias"]]
        for tensor, value in zip(tensors, values, strict=True):
            tensor.detach().copy_(tt.tensor(np.ascontiguousarray(value)))
    return model


def turned(mine: dict[str, np.ndarray]) -> np.ndarray:
    """A kernel of Keras' with the outputs first."""
    if "depthwise_kernel" in mine:
        return mine["depthwise_kernel"].transpose(2, 3, 0, 1)
    return mine["kernel"].T if mine["kernel"].ndim == 2 else mine["kernel"].transpose(3, 2, 0, 1)


def table(rows: list[dict[str, float]]) -> str:
    """The rows as Markdown."""
    lines = [[*rows[0]], ["---"] * len(rows[0]), *[[shown(value) for value in row.values()] for row in rows]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def shown(value: float | str) -> str:
    """A number with two digits, unless it is whole."""
    return f"{value:.2f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
