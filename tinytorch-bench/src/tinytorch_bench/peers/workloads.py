"""Workloads: what is computed, by name, and which ratio of our time to PyTorch's is aimed at.

A ratio depends on the kernels, so there are two aims: for the core alone and for the plugin `accel`. Aims of single ops
are what a prototype of their kernels reached; they inform, and decide nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from tinytorch.datasets.fashion import HOW
from tinytorch_bench.peers.peer import PeerError
from tinytorch_bench.tinymlperf.tasks import TASKS, Task

GROUPS = ("training", "generation", "inference", "int8", "accuracy", "ops")
MEMORY_AIM = 1.0  # of a training step's peak, whatever the plugins


@dataclass(frozen=True)
class Workload:
    """One thing to compute."""

    name: str
    group: str
    what: str
    make: str  # the function that builds it in a peer
    sizes: dict[str, Any] = field(default_factory=dict)
    tiny: dict[str, Any] = field(default_factory=dict)  # sizes that run the same code on next to nothing
    core: float | None = None  # aims
    accel: float | None = None
    counts: bool = True  # an aim that is missed is a failure
    images: bool = False  # (batch, channels, height, width), which a framework may keep in another order
    tolerance: float = 1e-4  # of the largest number
    checked: int = 5  # steps whose results are compared
    plugins: tuple[str, ...] = ()  # without which ours does not build it
    needs: str = ""  # what may be missing where somebody does not build it

    def aim(self, plugins: Sequence[str]) -> float | None:
        """Give the ratio aimed at with these plugins."""
        return self.accel if "accel" in plugins else self.core

    def built_by(self, makers: Any, *arguments: Any, tiny: bool = False) -> Any:
        """Build it by the function of that name in a module."""
        return getattr(makers, self.make)(*arguments, **(self.tiny if tiny else self.sizes))


def _mlp(suffix: str, optimizer: str, core: float | None, accel: float | None) -> Workload:
    sizes = {"batch": 128, "inputs": 784, "hidden": 256, "classes": 10, "optimizer": optimizer}
    tiny = {"batch": 2, "inputs": 8, "hidden": 4, "classes": 2, "optimizer": optimizer}
    what = f"MLP 784-256-10, batch 128, training step, {optimizer}"
    return Workload(f"mlp{suffix}", "training", what, "mlp", sizes, tiny, core, accel)


def _cnn(suffix: str, optimizer: str, core: float | None, accel: float | None) -> Workload:
    sizes = {"batch": 32, "pixels": 32, "channels": (3, 32, 64), "optimizer": optimizer}
    tiny = {"batch": 1, "pixels": 8, "channels": (3, 4, 4), "optimizer": optimizer}
    what = f"CNN 3-32-64, pool, linear, batch 32 of 32 × 32, training step, {optimizer}"
    return Workload(f"cnn{suffix}", "training", what, "cnn", sizes, tiny, core, accel, images=True)


def _gpt(size: str, core: float | None, accel: float, *, batch: int, time: int, **network: int) -> Workload:
    sizes = {"batch": batch, "time": time, "vocabulary": 65, **network}
    tiny = {"batch": 1, "time": 8, "vocabulary": 5, "layers": 1, "heads": 2, "width": 16}
    layers, heads, width = network["layers"], network["heads"], network["width"]
    what = f"GPT, {layers} layers, {width} wide, {heads} heads, batch {batch} of {time} tokens, training step, AdamW"
    return Workload(f"gpt-{size}", "training", what, "gpt", sizes, tiny, core, accel)


def _generation(size: str, cached: bool, layers: int, heads: int, width: int) -> Workload:
    kind = "with" if cached else "without"
    sizes = {"tokens": 256, "vocabulary": 65, "layers": layers, "heads": heads, "width": width, "cached": cached}
    return Workload(
        *(f"generate-{size}{'' if cached else '-no-cache'}", "generation"),
        f"GPT, {layers} layers, {width} wide: 256 tokens greedily after one, {kind} a cache",
        "generate",
        sizes,
        {"tokens": 8, "vocabulary": 5, "layers": 1, "heads": 2, "width": 16, "cached": cached},
        accel=0.35 if cached else None,
        tolerance=0.0,  # the same tokens
        checked=1,
        plugins=("cache",) if cached else (),
        needs="it needs the plugin cache: --plugins accel,cache" if cached else "",
    )


def _int8(task: Task) -> Workload:
    needs = f"it needs TINYTORCH_DATA with {task.models['int8']}, here the plugin quant, and there a reader of .tflite"
    return Workload(
        *(f"{task.name}-int8", "int8", f"{task.title}, int8, one input", "int8", {"task": task.name}),
        tolerance=0.02,  # XNNPACK rounds otherwise than the reference: a step of 1/256 here and there
        checked=1,
        plugins=("quant",),
        needs=needs,
    )


def _accuracy(data: str, what: str, target: float, needs: str = "") -> Workload:
    return Workload(
        *(f"{data}-accuracy", "accuracy"),
        f"{what}: seconds until {100 * target:.0f} % of the test images are known, tests included",
        make="to_accuracy",
        sizes={"data": data, "target": target},
        tiny={"data": data, "target": 0.2},
        tolerance=0.25,  # of the steps that it took: rounding grows in training, and one test more may be needed
        checked=1,
        needs=needs,
    )


def _tiny(network: str, what: str, *shape: int) -> Workload:
    return Workload(
        f"{network.replace('_', '-')}-infer",
        "inference",
        f"{what}, one input",
        "infer",
        {"network": network, "shape": (1, *shape)},
        accel=0.40,
        images=len(shape) == 3,
    )


def _op(name: str, what: str, make: str, accel: float | None = None, *, images: bool = False, **sizes: Any) -> Workload:
    return Workload(name, "ops", what, make, sizes, accel=accel, counts=False, images=images)


def _small(name: str, what: str) -> Workload:
    return Workload(name, "ops", what, name, core=1.0, accel=1.0)


_SMALL_HEADS: dict[str, Any] = {"batch": 16, "heads": 4, "time": 64, "width": 32}  # of gpt-small
_LARGE_HEADS: dict[str, Any] = {"batch": 4, "heads": 6, "time": 256, "width": 64}  # of gpt-large
WORKLOADS = {
    workload.name: workload
    for workload in (
        _mlp("", "sgd", 0.9, 0.65),
        _mlp("-momentum", "momentum", None, None),
        _mlp("-adam", "adam", None, None),
        _cnn("", "sgd", 1.7, 0.70),
        _cnn("-momentum", "momentum", None, None),
        _cnn("-adam", "adam", None, None),
        Workload(
            "resnet8",
            "training",
            "ResNet-8 of MLPerf Tiny, batch 32 of 32 × 32, training step, SGD",
            "resnet8",
            {"batch": 32, "pixels": 32},
            {"batch": 1, "pixels": 8},
            accel=0.65,
            images=True,
        ),
        _gpt("small", 1.35, 0.80, batch=16, time=64, layers=4, heads=4, width=128),
        _gpt("large", None, 0.90, batch=4, time=256, layers=6, heads=6, width=384),
        _generation("small", True, 4, 4, 128),
        _generation("large", True, 6, 6, 384),
        _generation("small", False, 4, 4, 128),
        _generation("large", False, 6, 6, 384),
        _tiny("resnet8", "ResNet-8, image classification", 3, 32, 32),
        _tiny("ds_cnn", "DS-CNN, keyword spotting", 1, 49, 10),
        _tiny("mobilenet_v1", "MobileNetV1 0.25, visual wake words", 3, 96, 96),
        _tiny("autoencoder", "autoencoder, anomaly detection", 640),
        *map(_int8, TASKS.values()),
        _accuracy("digits", "small CNN on the UCI's digits", 0.97),
        _accuracy("fashion", "small CNN on Fashion-MNIST", 0.88, f"it needs fashion-mnist/ in TINYTORCH_DATA; {HOW}"),
        _op("gelu", "GELU of 1024 × 512", "gelu", 0.22, rows=1024, width=512),
        _op("gelu-grad", "GELU's backward, 1024 × 512", "gelu_grad", 0.27, rows=1024, width=512),
        _op("layer-norm", "layer norm of 1024 × 384, with gradients", "layer_norm", 0.65, rows=1024, width=384),
        _op("softmax", "softmax of 2048 × 256", "softmax", None, rows=2048, width=256),
        _op(
            "cross-entropy",
            "cross-entropy of 1024 rows, 65 classes, with gradient",
            "cross_entropy",
            0.22,
            rows=1024,
            width=65,
        ),
        _op(
            "cross-entropy-large",
            "cross-entropy of 512 rows, 8192 classes, with gradient",
            "cross_entropy",
            0.16,
            rows=512,
            width=8192,
        ),
        _op("attention-64", "causal attention, 16 × 4 heads, 64 tokens", "attention", 0.26, **_SMALL_HEADS),
        _op(
            "attention-64-train",
            "causal attention, 16 × 4 heads, 64 tokens, with gradients",
            "attention_train",
            0.26,
            **_SMALL_HEADS,
        ),
        _op("attention-256", "causal attention, 4 × 6 heads, 256 tokens", "attention", 0.40, **_LARGE_HEADS),
        _op(
            "attention-256-train",
            "causal attention, 4 × 6 heads, 256 tokens, with gradients",
            "attention_train",
            0.40,
            **_LARGE_HEADS,
        ),
        _op(
            "conv3x3",
            "convolution 3 × 3, 32-64 channels, batch 32 of 32 × 32",
            "conv",
            0.39,
            images=True,
            inputs=32,
            outputs=64,
        ),
        _op(
            "depthwise",
            "depthwise convolution 3 × 3, 64 channels, batch 32 of 32 × 32",
            "conv",
            0.27,
            images=True,
            inputs=64,
            outputs=64,
            groups=64,
        ),
        _op("adam-1m", "Adam's step, 1 M parameters", "adam", 0.51, parts=10, size=100_000),
        _op("adam-10m", "Adam's step, 10 M parameters", "adam", None, parts=10, size=1_000_000),
        _op(
            "linear",
            "linear, 1024 × 384 to 1024 × 1536, with bias",
            "linear",
            None,
            rows=1024,
            inputs=384,
            outputs=1536,
        ),
        _op("matmul", "matrix product of 768 × 768", "matmul", None, size=768),
        _small("add", "(8, 8) + (8, 8) with its gradient"),
        _small("chain", "a chain of 1000 small ops, forward and backward"),
    )
}


def chosen(names: Sequence[str]) -> list[Workload]:
    """Give the workloads of these names and groups in the table's order, all where none is named."""
    for name in names:
        if name not in WORKLOADS and name not in GROUPS:
            near = get_close_matches(name, [*WORKLOADS, *GROUPS], 1)
            hint = f"did you mean '{near[0]}'?" if near else "--list shows all"
            raise PeerError(f"there is no workload '{name}'; {hint}")
    wanted = set(names)
    return [each for each in WORKLOADS.values() if not wanted or {each.name, each.group} & wanted]
