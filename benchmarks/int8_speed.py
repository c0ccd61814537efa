"""Measure how many times longer float32 takes than int8: a network of MLPerf Tiny, quantized with drawn examples.

    python benchmarks/int8_speed.py [NETWORK] [--plugins accel,quant] [--threads 1] [--rounds 41]

Both sides in turn in one process, medians of the ratios of each round, and the least and most of them.
"""

import argparse
import os
import statistics
import time
from typing import Any

NETWORKS = {"resnet8": (3, 32, 32), "ds_cnn": (1, 49, 10), "mobilenet_v1": (3, 96, 96), "autoencoder": (640,)}
BATCHES = 1, 64
CALLS = {1: 20, 64: 1}  # of a round


def main() -> None:
    """Print a line for each size of a batch."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", nargs="?", default="resnet8", choices=NETWORKS)
    parser.add_argument("--plugins", default="accel,quant")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=41)
    asked = parser.parse_args()
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ[name] = str(asked.threads)  # before numpy is imported
    import tinytorch as tt
    from tinytorch import models, plugins
    from tinytorch_quant import quantize

    if "accel" in asked.plugins.split(","):
        from tinytorch_accel import AcceleratedBackend

        AcceleratedBackend().threads = asked.threads
    tt.manual_seed(0)
    shape = NETWORKS[asked.network]
    model = getattr(models, asked.network)().eval()
    small = quantize(model, calibration=[tt.randn(16, *shape)])
    with tt.no_grad(), plugins.using(*filter(None, asked.plugins.split(","))):
        for batch in BATCHES:
            x = tt.randn(batch, *shape)
            sides = [lambda x=x: model(x), lambda x=x: small(x)]
            ratios = [_seconds(sides[0], batch) / _seconds(sides[1], batch) for _ in range(asked.rounds + 1)][1:]
            told = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
            print(f"{asked.network}, batch {batch}: float32 takes {told} of int8's time")


def _seconds(call: Any, batch: int) -> float:
    start = time.perf_counter()
    for _ in range(CALLS[batch]):
        call()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
