"""`quantize` and `dequantize`: the whole way from a float model to one of integers, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.module import Module
from tinytorch.core.tensor import Tensor
from tinytorch.transforming import note
from tinytorch_quant.calibration import calibrate, inputs_of
from tinytorch_quant.config import OBSERVERS, QuantConfig
from tinytorch_quant.correction import correct_bias
from tinytorch_quant.equalization import equalize
from tinytorch_quant.fusion import FusedModel, fuse
from tinytorch_quant.integer import Step
from tinytorch_quant.integer import Stored as StoredTensor
from tinytorch_quant.layers import Operation
from tinytorch_quant.lowering import lower
from tinytorch_quant.packed import PackedModel
from tinytorch_quant.structure import described
from tinytorch_quant.swapping import Stored, swap_back, swapped, weighted
from tinytorch_quant.unpacking import unpacked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tinytorch_quant.calibration import QParams

PLUGIN, TRANSFORM = "quant", "quantize"
INTEGER_OPS = ("int", "reshape_to")  # how the names of steps begin that compute with codes


def quantize(
    model: Module,
    config: QuantConfig | None = None,
    calibration: Iterable[Any] | None = None,
    filter: Callable[[Module, str], bool] | None = None,
) -> Module:
    """Return a model of the same interface that stores, and in static mode computes with, integers.

    The given model is not changed. `calibration` has batches of inputs, or of (inputs, targets), for static mode;
    `filter(module, name)` says which layers are quantized: all, if it is None. `left_in_float` names those that were
    not. A static model computes what the model computes in evaluation; dropout and batch norms are gone.
    """
    config = QuantConfig() if config is None else config
    if not isinstance(model, Module):
        raise TypeError(f"quantize: expected a module, got {type(model).__name__}")
    if isinstance(model, PackedModel):
        raise TypeError(
            "quantize: expected a model of floats, got a PackedModel, quantized already; dequantize it first"
        )
    if not isinstance(config, QuantConfig):
        raise TypeError(f"quantize: expected a QuantConfig, got {config!r:.60}")
    configs = config.for_layers(name for name, _ in model.named_modules())
    if filter is not None:
        configs.update({name: None for name, module in model.named_modules() if not filter(module, name)})
    if config.mode == "static":
        with np.errstate(over="ignore", invalid="ignore"):  # where numbers explode, calibration names the layer
            return _static(model, config, configs, calibration)
    made = swapped(model, configs, refuse=config.unsupported == "refuse")
    note(made, PLUGIN, TRANSFORM, described(made), origin=model)
    return made


def _static(
    model: Module, config: QuantConfig, configs: dict[str, QuantConfig | None], calibration: Iterable[Any] | None
) -> PackedModel:
    batches = list(inputs_of(calibration)) if calibration is not None else []
    if not batches:
        raise ValueError("quantize: static mode needs examples; calibration= takes batches of inputs")
    if not batches[0].is_floating_point():
        raise ValueError("quantize: static mode needs inputs of floats; a model of tokens takes mode='weight_only'")
    fused = fuse(model, example_of(batches))
    configs = of_layers(fused, configs)
    if config.unsupported == "refuse" and (left := unsupported(fused)):
        raise ValueError(f"quantize: cannot quantize {', '.join(left)}; unsupported='float' leaves them as they are")
    if config.equalize:
        equalize(fused)
    if config.correct_bias:
        correct_bias(fused, configs, batches)
    qparams = calibrate(fused, batches, OBSERVERS[config.observer], config.activation_range)
    return lowered(fused, qparams, configs, model, config.activation_range)


def lowered(
    fused: FusedModel,
    qparams: Mapping[int, QParams],
    configs: Mapping[str, QuantConfig | None],
    origin: Module,
    activation_range: tuple[int, int],
) -> PackedModel:
    """The integer model of a fused one, with a note of its structure, so that files can be read back."""
    made = lower(fused, qparams, configs, activation_range)
    note(made, PLUGIN, TRANSFORM, described(made), origin=origin)
    return made.eval()


def dequantize(model: Module) -> Module:
    """Return a float model that computes with the numbers that the codes stand for; the given one is not changed.

    What was rounded stays rounded. Of a static model, activations are floats again, too, within the codes' limits.
    """
    if isinstance(model, PackedModel):
        return unpacked(model)
    if not any(isinstance(module, Stored) for module in model.modules()):
        raise ValueError("dequantize: expected a quantized model, found no codes in it")
    return swap_back(model)


def left_in_float(model: Module) -> list[str]:
    """Name the layers of a quantized model that store or compute with floats, apart from biases and norms."""
    if isinstance(model, PackedModel):
        return [_told(step) for step in model.steps if not step.op.startswith(INTEGER_OPS)]
    return weighted(model)


def _told(step: Step) -> str:
    """A step's op, and its layer's name where it has tensors of one."""
    stored = [arg.stored for arg in step.args if isinstance(arg, StoredTensor)]
    return f"{stored[0].rpartition('.')[0]} ({step.op})" if stored else step.op


def unsupported(fused: FusedModel) -> list[str]:
    """Name what has no integer step: the layers of a fused model that stay the ops that they are."""
    named = zip(fused.names, fused.layers, strict=True)
    return [f"'{name}' ({layer.op})" for name, layer in named if isinstance(layer, Operation)]


def of_layers(fused: FusedModel, configs: Mapping[str, QuantConfig | None]) -> dict[str, QuantConfig | None]:
    """The configs of the layers with weights, by their names in the fused model, where a module may come twice."""
    return {name: configs[name.split(":")[0]] for _, name, _ in fused.weighted()}


def example_of(batches: list[Tensor]) -> Tensor:
    """Two inputs at least, of the first batches."""
    first = batches[0]
    if len(first.array) > 1 or not first.ndim:
        return first[:8] if first.ndim else first
    return Tensor(first.array.repeat(2, axis=0))
