"""Bias correction: what rounding the weights moves on average is taken back in the biases.

Nagel et al. 2019, section 4.2, with examples instead of batch norms' averages: layer by layer, each channel's mean
before its ReLU becomes what it was with float weights, given that the layers before are corrected already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.autograd import no_grad
from tinytorch.core.layers import Identity
from tinytorch.core.module import Module, Parameter
from tinytorch.core.tensor import Tensor
from tinytorch_quant.affine import fake_quantize_affine, qparams_of_range
from tinytorch_quant.layers import Weighted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tinytorch.types import Array
    from tinytorch_quant.config import QuantConfig
    from tinytorch_quant.fusion import FusedModel


class WeightRounding(Module):
    """Weights as their codes will stand for them, with gradients that pass straight through: (out, ...) -> the same."""

    def __init__(self, config: QuantConfig) -> None:
        super().__init__()
        self.config = config

    def forward(self, weight: Tensor) -> Tensor:
        """Quantize and dequantize, by channel or tensor, with ranges of the weights as they are."""
        by_channel = self.config.granularity != "tensor"
        block = (1, *weight.shape[1:]) if by_channel else weight.shape
        size = np.abs(weight.array).reshape(len(weight.array), -1).max(axis=1)
        size = size if by_channel else size.max()
        limit = 2 ** (self.config.bits - 1) - 1
        scale, zero_point = qparams_of_range(-size, size, "symmetric", -limit, limit)
        return fake_quantize_affine(weight, block, Tensor(scale), Tensor(zero_point), -limit, limit)


def correct_bias(model: FusedModel, configs: Mapping[str, QuantConfig | None], batches: Iterable[Tensor]) -> None:
    """Correct the biases of a fused model in place, for weights that will be rounded as the configs say."""
    values = [{0: (x, x)} for x in batches]  # of each batch: with float weights, and with rounded ones
    with no_grad():
        for number, (layer, sources) in enumerate(zip(model.layers, model.sources, strict=True), start=1):
            config = configs.get(model.names[number - 1])
            inputs = [tuple(zip(*[value[source] for source in sources], strict=True)) for value in values]
            if not isinstance(layer, Weighted) or config is None:
                outs = [(layer(*exact), layer(*rounded)) for exact, rounded in inputs]
            else:
                outs = _corrected(layer, config, inputs)
            for value, out in zip(values, outs, strict=True):
                value[number] = out


def _corrected(layer: Weighted, config: QuantConfig, inputs: list[Any]) -> list[tuple[Tensor, Tensor]]:
    """Move the layer's bias by the mean error of its channels; what it gives then, twice."""
    exact = [layer.before_limits(one) for (one,), _ in inputs]
    layer.rounding = WeightRounding(config)
    rounded = [layer.before_limits(other) for _, (other,) in inputs]
    layer.rounding = Identity()
    moved = _mean([one.array - other.array for one, other in zip(exact, rounded, strict=True)])
    before = 0.0 if layer.bias is None else layer.bias.array
    layer.bias = Parameter(Tensor((before + moved).astype(layer.weight.dtype)))
    by_channel = Tensor(moved.reshape(-1, *[1] * (exact[0].ndim - 2)).astype(layer.weight.dtype))
    return [(layer.limited(a), layer.limited(b + by_channel)) for a, b in zip(exact, rounded, strict=True)]


def _mean(errors: list[Array]) -> Array:
    """The mean of each channel over batches and places: (channels,) float64."""
    axes = tuple(axis for axis in range(errors[0].ndim) if axis != 1)
    count = sum(each.size // each.shape[1] for each in errors)
    return sum(each.sum(axis=axes, dtype=np.float64) for each in errors) / count
