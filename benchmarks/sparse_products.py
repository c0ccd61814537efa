"""Where a sparse linear layer is faster than a dense one, and where it loses.

    python benchmarks/sparse_products.py [--rounds 15] [--json]

For each size, batch and sparsity both kinds are called in turns on the same rows; told is the median of dense time over
sparse time: above 1 the sparse layer wins. Zeros are drawn, one thread.
"""

from __future__ import annotations

import argparse
import json
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import tinytorch as tt
from tinytorch import nn
from tinytorch_compress.execution import measured

SIZES = (64, 256, 1024, 2048)
BATCHES = (1, 16, 256)
SPARSITIES = (0.5, 0.8, 0.9, 0.95, 0.99)


def main() -> None:
    """Measure all and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rows = [row(size, batch, asked.rounds) for size in SIZES for batch in BATCHES]
    if asked.json:
        print(json.dumps(rows, indent=1))
        return
    print("| in × out | rows | " + " | ".join(f"{100 * share:.0f} % zeros" for share in SPARSITIES) + " |")
    print("|---|---|" + "---|" * len(SPARSITIES))
    for each in rows:
        ratios = " | ".join(f"{each[str(share)]:.2f}" for share in SPARSITIES)
        print(f"| {each['size']} × {each['size']} | {each['rows']} | {ratios} |")


def row(size: int, batch: int, rounds: int) -> dict[str, float]:
    """Dense over sparse time for one size and batch, by sparsity."""
    found: dict[str, float] = {"size": size, "rows": batch}
    for share in SPARSITIES:
        found[str(share)] = measured("", layer(size, share), batch, rounds).ratio
    return found


def layer(size: int, share: float) -> nn.Linear:
    """A square layer with so many zeros, anywhere."""
    rng = np.random.default_rng(0)
    made = nn.Linear(size, size)
    weight = rng.standard_normal((size, size), np.float32) * (rng.random((size, size)) >= share)
    made.weight.detach().copy_(tt.tensor(weight))
    return made


if __name__ == "__main__":
    main()
