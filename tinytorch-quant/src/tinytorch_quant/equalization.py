"""Cross-layer equalization: channels of one layer scaled up and undone in the next, so that one scale fits all.

Nagel et al. 2019, "Data-free quantization through weight equalization and bias correction", section 4.1: between two
layers with nothing but a ReLU, a pooling or nothing, s_i = sqrt(r1_i * r2_i) / r2_i of the ranges of output channel i
and of what reads it. What the model computes stays the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinytorch_quant.layers import AvgPool, Convolution, FullyConnected, MaxPool, Weighted

if TYPE_CHECKING:
    from tinytorch.types import Array
    from tinytorch_quant.fusion import FusedModel

SWEEPS = 20  # at most: layers in a row move each other
SETTLED = 1e-3  # share by which no scale changes any more


def equalize(model: FusedModel) -> int:
    """Equalize the weights of a fused model in place, its batch norms being folded; return the number of pairs."""
    if any(layer.norm is not None for _, _, layer in model.weighted()):
        raise ValueError("equalize: expected batch norms to be folded; call fold_batch_norms first")
    found = pairs(model)
    for _ in range(SWEEPS):
        if not found or max(_equalized(*pair) for pair in found) < SETTLED:
            break
    model.equalized = True
    return len(found)


def pairs(model: FusedModel) -> list[tuple[Weighted, Weighted]]:
    """The layers with weights that only each other's numbers lie between, through ReLU and pooling."""
    found = []
    for number, _, first in model.weighted():
        if first.limits not in (None, (0.0, None)):
            continue
        reader = _only_reader(model, number)
        while reader and isinstance(model.layers[reader - 1], (MaxPool, AvgPool)):
            reader = _only_reader(model, reader)
        second = model.layers[reader - 1] if reader else None
        if isinstance(second, Weighted) and _by_input(second).shape[0] == len(first.weight.array):
            found.append((first, second))
    return found


def _only_reader(model: FusedModel, number: int) -> int:
    users = model.users(number)
    return users[0] if len(users) == 1 and number != len(model.layers) else 0


def _by_input(layer: Weighted) -> Array:
    """The weights by the channel that they read: (channels, numbers), a view where it can be."""
    weight = layer.weight.array
    if isinstance(layer, Convolution) and layer.window[3] > 1:
        groups = layer.window[3]
        parts = weight.reshape(groups, len(weight) // groups, weight.shape[1], -1)
        return np.moveaxis(parts, 2, 1).reshape(groups * weight.shape[1], -1)
    assert isinstance(layer, (Convolution, FullyConnected))
    return np.moveaxis(weight, 1, 0).reshape(weight.shape[1], -1)


def _equalized(first: Weighted, second: Weighted) -> float:
    """Scale a pair; return the largest share by which a channel changed."""
    above = np.abs(first.weight.array.reshape(len(first.weight.array), -1)).max(axis=1)
    below = np.abs(_by_input(second)).max(axis=1)
    alive = (above > 0) & (below > 0)  # a channel of zeros has no range
    scale = np.where(alive, np.sqrt(np.where(alive, above, 1.0) / np.where(alive, below, 1.0)), 1.0)
    scale = scale.astype(first.weight.array.dtype)
    first.weight.array = first.weight.array / scale.reshape(-1, *[1] * (first.weight.ndim - 1))
    if first.bias is not None:
        first.bias.array = first.bias.array / scale
    second.weight.array = second.weight.array * _spread(scale, second)
    return float(np.abs(scale - 1.0).max())


def _spread(scale: Array, layer: Weighted) -> Array:
    """(input channels,) as what multiplies a layer's weight."""
    weight = layer.weight.array
    if isinstance(layer, Convolution) and layer.window[3] > 1:
        groups = layer.window[3]
        by_group = scale.reshape(groups, 1, weight.shape[1])
        return np.broadcast_to(by_group, (groups, len(weight) // groups, weight.shape[1])).reshape(
            len(weight), weight.shape[1], *[1] * (weight.ndim - 2)
        )
    return scale.reshape(1, -1, *[1] * (weight.ndim - 2))
