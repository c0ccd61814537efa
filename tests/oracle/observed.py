"""Observers of both libraries on the same batches, and the answers of torch's that are recorded."""

import importlib.util
import json
from pathlib import Path

import numpy as np

import tinytorch as tt

RECORDED = Path(__file__).with_name("recorded") / "observers.json"
RECORDED_SEEDS = range(2)
RANGES = ((-128, 127), (-127, 127), (-8, 7), (0, 255))
MAPPINGS = ("symmetric", "asymmetric")
OBSERVERS = (
    "MinMaxObserver",
    "MovingAverageMinMaxObserver",
    "PerChannelMinMaxObserver",
    "MovingAveragePerChannelMinMaxObserver",
    "HistogramObserver",
)


def batches(seed):
    """Batches of (rows, channels, columns): normal, skewed, with outliers, positive, or nearly nothing."""
    generator = np.random.default_rng(seed)
    count, channels = int(generator.integers(1, 5)), int(generator.integers(1, 6))
    scale = 10.0 ** generator.uniform(-3, 3)
    kind = seed % 5
    made = []
    for _ in range(count):
        x = generator.standard_normal((int(generator.integers(2, 9)), channels, 40)) * scale
        x = {0: x, 1: np.exp(x / scale) * scale, 2: x * (1 + 50 * (generator.random(x.shape) > 0.999)), 3: abs(x)}.get(
            kind, x * 0
        )
        made.append(x.astype(np.float32))
    return made


def torchs(name, seed, mapping, quant_min, quant_max):
    """Scale and zero point that torch.ao.quantization chooses."""
    import torch
    from torch.ao import quantization

    per_channel = "PerChannel" in name
    scheme = {"symmetric": "symmetric", "asymmetric": "affine"}[mapping]
    qscheme = getattr(torch, f"per_{'channel' if per_channel else 'tensor'}_{scheme}")
    dtype = torch.quint8 if quant_min == 0 else torch.qint8
    options = {"ch_axis": 1} if per_channel else {}
    if quant_min != 0:  # of a range that is its dtype's own, torch takes the upper middle; of one it is told, the lower
        options |= {"quant_min": quant_min, "quant_max": quant_max}
    observer = getattr(quantization, name)(dtype=dtype, qscheme=qscheme, **options)
    if name == "HistogramObserver":
        observer.dst_nbins = quant_max - quant_min + 1  # torch's searches for all codes of the dtype
    for batch in batches(seed):
        observer(torch.from_numpy(batch))
    scale, zero_point = observer.calculate_qparams()
    return scale.tolist(), zero_point.tolist()


def ours(name, seed, mapping, quant_min, quant_max):
    """Scale and zero point that tinytorch_quant chooses."""
    import tinytorch_quant

    options = {"ch_axis": 1} if "PerChannel" in name else {}
    observer = getattr(tinytorch_quant, name)(mapping_type=mapping, quant_min=quant_min, quant_max=quant_max, **options)
    for batch in batches(seed):
        observer(tt.tensor(batch))
    scale, zero_point = observer.calculate_qparams()
    return scale.array.reshape(-1).tolist(), zero_point.array.reshape(-1).tolist()


def case(name, seed, mapping, limits):
    """A case's name in the recording."""
    return f"{name} {seed} {mapping} {limits[0]} {limits[1]}"


def recorded():
    """What torch said, by case."""
    return json.loads(RECORDED.read_text())


def record():
    """Write what torch says of the recorded seeds."""
    told = {
        case(name, seed, mapping, limits): torchs(name, seed, mapping, *limits)
        for name in OBSERVERS
        for seed in RECORDED_SEEDS
        for mapping in MAPPINGS
        for limits in RANGES
    }
    RECORDED.write_text(json.dumps(told, indent=0))


if __name__ == "__main__" and importlib.util.find_spec("torch"):
    record()
