"""Comparing a quantized model with the float one: how far each layer's numbers are from what they were."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinytorch.core.autograd import no_grad
from tinytorch.core.module import Module
from tinytorch.core.tensor import Tensor
from tinytorch.plugins import Instrument, instrumented
from tinytorch_quant.calibration import inputs_of, value_name
from tinytorch_quant.equalization import equalize
from tinytorch_quant.fusion import FusedModel, fuse
from tinytorch_quant.packed import PackedModel
from tinytorch_quant.quantizing import example_of
from tinytorch_quant.swapping import Stored

if TYPE_CHECKING:
    from tinytorch.types import Array

Values = Iterator[tuple[str, "Array", "Array"]]


class LayerError(NamedTuple):
    """What quantizing changed in what a layer gives."""

    layer: str
    sqnr: float  # decibels: 10 * log10(sum of squares / sum of squared errors); inf where nothing changed
    cosine: float  # of the angle between the two
    max_error: float  # the largest distance


def layer_errors(model: Module, quantized: Module, batches: Iterable[Any]) -> list[LayerError]:
    """The error of each layer of a quantized model on batches of inputs, first to last.

    Each layer's inputs are those of its own model, so that errors add up from layer to layer. A static model is
    compared at each value of codes, an equalized one with the float model's channels scaled as they were; another one
    at each layer that stores codes.
    """
    sums: dict[str, list[float]] = {}
    inputs = list(inputs_of(batches))
    if not inputs:
        raise ValueError("layer_errors: expected some batches of inputs, got none")
    fused = fuse(model, example_of(inputs)) if isinstance(quantized, PackedModel) else None
    if fused is not None and quantized.equalized:
        equalize(fused)
    with no_grad():
        for x in inputs:
            pairs = _static(fused, quantized, x) if fused is not None else _swapped(model, quantized, x)
            for name, exact, rounded in pairs:
                _count(sums.setdefault(name, [0.0] * 5), exact.astype(np.float64), rounded.astype(np.float64))
    return [_error(name, *each) for name, each in sums.items()]


def _count(sums: list[float], exact: Array, rounded: Array) -> None:
    difference = exact - rounded
    for place, each in enumerate((exact * exact, rounded * rounded, exact * rounded, difference * difference)):
        sums[place] += float(each.sum())
    sums[4] = max(sums[4], float(np.abs(difference).max(initial=0.0)))


def _error(name: str, exact: float, rounded: float, product: float, error: float, largest: float) -> LayerError:
    sqnr = math.inf if error == 0.0 else -math.inf if exact == 0.0 else 10.0 * math.log10(exact / error)
    size = math.sqrt(exact * rounded)
    return LayerError(name, sqnr, product / size if size else 1.0 if exact == rounded else 0.0, largest)


def _static(fused: FusedModel, quantized: Any, x: Tensor) -> Values:
    """The values of a fused model and of the integer model that was made of it, which are numbered alike."""
    exact = {0: x}
    for number, (layer, sources) in enumerate(zip(fused.layers, fused.sources, strict=True), start=1):
        exact[number] = layer(*[exact[source] for source in sources])
    for name, value in quantized.values(x):
        number = int(name[1:])
        if number and name[0] == "q":
            scale, zero_point = quantized.scales[name]
            yield value_name(fused, number), exact[number].array, (value.array.astype(np.float64) - zero_point) * scale


class _Outputs(Instrument):
    """Keeps what modules give."""

    name = "compare"

    def __init__(self, names: dict[int, str]) -> None:
        self.names, self.outputs = names, dict[str, Any]()

    def returned(self, module: Any, out: Any) -> None:
        """Keep it under the module's name."""
        if id(module) in self.names and isinstance(out, Tensor):
            self.outputs[self.names[id(module)]] = out.array


def _swapped(model: Module, quantized: Module, x: Tensor) -> Values:
    names = [name for name, module in quantized.named_modules() if isinstance(module, Stored)]
    exact, rounded = (_outputs(each, names, x) for each in (model, quantized))
    for name in names:
        if name in exact and name in rounded:
            yield name, exact[name], rounded[name]


def _outputs(model: Module, names: list[str], x: Tensor) -> dict[str, Array]:
    seen = _Outputs({id(module): name for name, module in model.named_modules() if name in names})
    with instrumented(seen):
        model(x)
    return seen.outputs
