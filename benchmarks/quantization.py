"""Measure what quantizing gives and takes on trained models: accuracy or loss, bytes, time.

    python benchmarks/quantization.py [--json]

The models are those of tests/quant/trained.py; the keyword spotter and the story teller need the real data, which
TINYTORCH_DATA names.
"""

import argparse
import importlib
import json
import os
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tinytorch as tt
from tinytorch.cli.output import show_table
from tinytorch_quant import QuantConfig, quantize
from tinytorch_quant.measuring import bytes_in_memory, bytes_on_disk, seconds

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE / "tests" / "quant"))
trained: Any = importlib.import_module("trained")
DATA = Path(os.environ.get("TINYTORCH_DATA", HERE.parent / "shared" / "data"))
INT8, INT4 = QuantConfig(), QuantConfig(bits=4)
BY_TENSOR = {"granularity": "tensor"}
EQUALIZED = QuantConfig(**BY_TENSOR, equalize=True, correct_bias=True)
FOUR_BITS = QuantConfig(bits=4, activation_bits=4, **BY_TENSOR)
SEEDS = range(5)
ROUNDS = 5


def row(name: str, score: float, before: float, models: list[Any], x: Any) -> dict[str, Any]:
    """Measure a quantized model beside the float one."""
    ratios = []
    for _ in range(ROUNDS):
        times = [statistics.median(each) for each in seconds(models, x, rounds=3)]
        ratios.append(times[1] / times[0])
    return {
        "model": name,
        "float": before,
        "quantized": score,
        "disk": bytes_on_disk(models[1]) / bytes_on_disk(models[0]),
        "memory": bytes_in_memory(models[1]) / bytes_in_memory(models[0]),
        "time": statistics.median(ratios),
        "time_range": [min(ratios), max(ratios)],
    }


def digits() -> Iterator[dict[str, Any]]:
    """The recipe digits-cnn: accuracy on 359 test images, with ranges of 100 training images."""
    run, calibration = trained.digits(0)
    model, x = run.trainer.model, next(iter(run.test_batches))[0][:64]
    before = trained.accuracy_of(run, model)
    for name, config in (("int8", INT8), ("int4 weights", INT4)):
        made = quantize(model, config, calibration)
        yield row(f"digits-cnn, {name}", trained.accuracy_of(run, made), before, [model, made], x)


def keywords() -> Iterator[dict[str, Any]]:
    """MLPerf Tiny's keyword spotter: accuracy on 1000 samples, with ranges of the first 100."""
    model, features, labels = trained.keyword_spotter(DATA / "kws")
    x, examples = tt.tensor(features[:64]), [tt.tensor(features[:100])]
    before = trained.known_keywords(model, features, labels)
    configs = {"int8": INT8, "int8 by tensor": QuantConfig(**BY_TENSOR), "int8 by tensor, equalized": EQUALIZED}
    for name, config in {**configs, "int4 weights": INT4}.items():
        made = quantize(model, config, examples)
        yield row(f"ds-cnn, {name}", trained.known_keywords(made, features, labels), before, [model, made], x)


def stories() -> Iterator[dict[str, Any]]:
    """stories260K: the loss on texts that it wrote, drawn at temperature 1 and greedy ones."""
    model, drawn, greedy = trained.stories(DATA / "stories260k")
    configs: dict[str, dict[str, Any]] = {
        "int8": {"bits": 8},
        "int4, head int8": {"bits": 4},
    }
    for name, options in configs.items():
        made = quantize(model, QuantConfig(mode="weight_only", **options))
        for text, tokens in (("drawn", drawn), ("greedy", greedy)):
            losses = trained.loss_of(made, tokens), trained.loss_of(model, tokens)
            yield row(f"stories260K, {name}, {text} text", *losses, [model, made], tokens[:1, :-1])


def four_bits() -> Iterator[dict[str, Any]]:
    """Weights and activations of 4 bits, by tensor: rounded after training, and trained with rounding for 8 epochs.

    For comparison, the float network trained for 8 epochs more and then rounded.
    """
    for seed in SEEDS:
        run, calibration = trained.digits(seed)
        model = run.trainer.model
        made = {
            "rounded": quantize(model, FOUR_BITS, calibration),
            "longer": quantize(trained.longer(run), FOUR_BITS, calibration),
            "learned": trained.learned(run, FOUR_BITS, calibration),
        }
        shares = {name: trained.accuracy_of(run, each) for name, each in made.items()}
        yield {"seed": seed, "float": trained.accuracy_of(run, model), **shares}


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    parts = [
        digits,
        *[part for part, folder in ((keywords, "kws"), (stories, "stories260k")) if (DATA / folder).is_dir()],
    ]
    rows = [each for part in parts for each in part()]
    seeds = [*four_bits()]
    if as_json:
        print(json.dumps({"models": rows, "four_bits": seeds}, indent=2))
        return
    head = ("model", "float", "quantized", "bytes on disk", "in memory", "time, median", "least and most")
    show_table(head, [told(each) for each in rows])
    print()
    show_table(
        ("seed", "float", "rounded", "trained longer, rounded", "trained with rounding"),
        [[f"{value:.4f}" if name != "seed" else str(value) for name, value in each.items()] for each in seeds],
    )


def told(each: dict[str, Any]) -> list[str]:
    """A row as text: bytes and time as shares of the float model's."""
    low, high = each["time_range"]
    shares = [f"{each[name]:.3f}×" for name in ("disk", "memory")]
    return [
        each["model"], f"{each['float']:.4f}", f"{each['quantized']:.4f}", *shares, f"{each['time']:.2f}×",
        f"{low:.2f}× to {high:.2f}×",
    ]  # fmt: skip


if __name__ == "__main__":
    main()
