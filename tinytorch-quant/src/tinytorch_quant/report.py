"""The report: what quantizing a model gave and took, measured."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tinytorch.core.module import Module
from tinytorch_quant.calibration import inputs_of
from tinytorch_quant.comparing import LayerError, layer_errors
from tinytorch_quant.measuring import bytes_in_memory, bytes_on_disk, seconds
from tinytorch_quant.packed import PackedModel
from tinytorch_quant.quantizing import left_in_float, quantize
from tinytorch_quant.swapping import KINDS

if TYPE_CHECKING:
    from tinytorch_quant.config import QuantConfig

Evaluate = Callable[[Module], dict[str, float]]
PRODUCTS = ("int8_conv2d", "int8_linear")
TIMED = 64  # samples of the batch whose time is taken, at most


@dataclass(frozen=True)
class Report:
    """A float model and the quantized one that was made of it: of each pair the float one's comes first."""

    disk: tuple[int, int]  # bytes
    memory: tuple[int, int]  # bytes
    scores: tuple[dict[str, float], dict[str, float]]
    seconds: tuple[float, float]  # of a batch, medians
    ratios: tuple[float, float, float]  # float time by quantized time of the same round: least, median, most
    integers: bool  # whether it computes with codes
    batch: int  # samples in it
    layers: list[LayerError]
    left_in_float: list[str]
    sensitivity: dict[str, dict[str, float]] = field(default_factory=dict)  # scores with one layer quantized

    @property
    def speed(self) -> str:
        """Say honestly how fast the quantized model is."""
        least, median, most = self.ratios
        spread = f"at batch {self.batch} ({least:.2f} to {most:.2f} in turns)"
        if least < 1.0 < most:
            return f"no difference shown to float32, {spread}"
        if median >= 1.0:
            return f"{median:.2f} times as fast as float32, {spread}"
        slow = f"{1 / median:.2f} times as slow as float32, {spread}"
        why = "numpy multiplies floats much faster than integers; what is saved is memory, and time where a plugin"
        return f"{slow}: {why} answers the integer ops" if self.integers else slow

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            **asdict(self),
            "layers": [each._asdict() for each in self.layers],
            "disk_ratio": self.disk[1] / self.disk[0],
            "memory_ratio": self.memory[1] / self.memory[0],
            "speed": self.speed,
        }


def measured(
    model: Module, quantized: Module, batches: Iterable[Any], evaluate: Evaluate, ending: str = ".npz"
) -> Report:
    """Measure both models: files of that ending, scores by `evaluate`, errors and time on batches of inputs."""
    inputs = list(inputs_of(batches))
    timed = inputs[0][:TIMED]
    times = seconds([model, quantized], timed)
    ratios = [exact / rounded for exact, rounded in zip(*times, strict=True)]
    return Report(
        (bytes_on_disk(model, ending), bytes_on_disk(quantized, ending)),
        (bytes_in_memory(model), bytes_in_memory(quantized)),
        (evaluate(model), evaluate(quantized)),
        (statistics.median(times[0]), statistics.median(times[1])),
        (min(ratios), statistics.median(ratios), max(ratios)),
        isinstance(quantized, PackedModel) and any(step.op in PRODUCTS for step in quantized.steps),
        len(timed),
        layer_errors(model, quantized, inputs),
        left_in_float(quantized),
    )


def sensitivity(
    model: Module, config: QuantConfig, calibration: Iterable[Any], evaluate: Evaluate
) -> Iterator[tuple[str, dict[str, float]]]:
    """Quantize one layer at a time, all others staying in float, and yield its name and the model's scores."""
    batches = list(inputs_of(calibration))
    for name, module in model.named_modules():
        if type(module) in KINDS and config.for_layer(name) is not None:
            of_this = {key: getattr(config.for_layer(name), key) for key in ("bits", "granularity", "symmetric")}
            alone = replace(config, layers={"*": None, name: of_this}, unsupported="float")
            yield name, evaluate(quantize(model, alone, batches))
