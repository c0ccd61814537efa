"""Layers of low rank: a weight as the product of two thin ones, by its largest singular values.

A linear layer becomes two: `in -> rank -> out`. A convolution becomes one to `rank` channels, with its window, and one
of 1 x 1 that mixes these (Zhang et al., "Accelerating very deep convolutional networks", 2016). By the theorem of
Eckart and Young no other weight of that rank is nearer. Whoever reads the weight of such a pair gets the product.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any, TypeGuard

import numpy as np

from tinytorch.core.layers import Linear, Module, Sequential
from tinytorch.core.spatial import Conv1d, Conv2d
from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.numbers import real, whole
from tinytorch.transforming import note
from tinytorch.types import Array
from tinytorch_compress.masking import is_masked
from tinytorch_compress.places import left_out, replace

Layer = Linear | Conv1d | Conv2d


class LowRank(Sequential):
    """Two layers in the place of one, whose weight and bias can be read as the one's were."""

    def __init__(self, first: Module, second: Module) -> None:
        super().__init__(first, second)
        self.register_computed("weight", _product)
        self.register_computed("bias", _bias)


def factorize(
    model: Module, *, rank: int | None = None, energy: float | None = None, ignored: Iterable[str] = ()
) -> Module:
    """Replace the linear and convolutional layers that become smaller by two of low rank; return the model.

    `rank` is the same for all; or each layer has the least that keeps `energy`, a share of the sum of its squared
    singular values. A layer of which two thin ones would have as many weights stays as it is, and so does what is
    used in several places, or is named in `ignored`, by the layer's name or its weight's.
    """
    if (rank is None) == (energy is None):
        raise ValueError("low_rank: expected either a rank or an energy")
    if rank is not None:
        whole("low_rank", "rank", rank, least=1)
    elif not 0.0 < real("low_rank", "energy", energy) <= 1.0:
        raise ValueError(f"low_rank: expected energy above 0 and up to 1, got {energy}")
    layers = _layers(model)
    without = left_out("low_rank", ignored, [f"{path}.weight" for path in layers], "weight")
    left = {path: layer for path, layer in layers.items() if f"{path}.weight" not in without}
    _check_finite(left)
    wanted = {path: rank or _enough(spectrum(layer), energy or 1.0) for path, layer in left.items()}
    ranks = {path: each for path, each in wanted.items() if each < _largest(layers[path])}
    if not ranks:
        raise ValueError(f"low_rank: no layer of {type(model).__name__} becomes smaller by that")
    replace(model, {layers[path]: _factors(layers[path], each) for path, each in ranks.items()})
    note(model, "compress", "low_rank", {"ranks": ranks})
    return model


def factorized_like(model: Module, structure: dict[str, Any]) -> Module:
    """Give a model the ranks that `factorize` once noted; raises ValueError for those that it cannot have."""
    ranks, layers = structure.get("ranks"), _layers(model)
    able = isinstance(ranks, dict) and all(
        type(rank) is int and path in layers and 1 <= rank < _largest(layers[path]) for path, rank in ranks.items()
    )
    if not able or ranks is None:
        raise ValueError(f"low_rank: expected ranks that the layers can have, got {ranks!r:.80}")
    replace(model, {layers[path]: _thin(layers[path], rank) for path, rank in ranks.items()})
    return model


def spectrum(layer: Layer) -> Array:
    """The singular values of a layer's weight as a matrix (out, all inputs of an output), the largest first."""
    return np.linalg.svd(_matrix(layer), compute_uv=False)


def _product(pair: LowRank) -> Tensor:
    """The weight that a pair stands for."""
    first, second = pair[0].weight, pair[1].weight
    product: Tensor = second.flatten(1) @ first.flatten(1)
    return product.reshape(second.shape[0], *first.shape[1:])


def _bias(pair: LowRank) -> Tensor | None:
    bias: Tensor | None = pair[1].bias
    return bias


def _layers(model: Module) -> dict[str, Layer]:
    """The layers that could be two, by dotted name."""
    uses = Counter(id(part) for module in model.modules() for part in (*module.children(), *module.parameters(False)))
    return {
        path: module
        for path, module in model.named_modules()
        if path and _is_plain(module) and uses[id(module)] == uses[id(module.weight)] == 1
    }


def _is_plain(module: Module) -> TypeGuard[Layer]:
    """Whether it is a layer that reads a weight of its own, of one group and without a mask."""
    alike = type(module) in {Linear, Conv1d, Conv2d} and getattr(module, "groups", 1) == 1
    return alike and not is_masked(module, "weight") and module.weight.array.size > 0


def _check_finite(layers: dict[str, Layer]) -> None:
    for path, layer in layers.items():
        if not np.isfinite(layer.weight.array).all():
            raise ValueError(f"low_rank: expected finite weights, got others in layer '{path}'")


def _matrix(layer: Layer) -> Array:
    weight = layer.weight.array
    return weight.reshape(weight.shape[0], math.prod(weight.shape[1:]))


def _largest(layer: Layer) -> float:
    """The rank from which two layers have as many weights as the one: rank · (out + in) = out · in."""
    out, into = _matrix(layer).shape
    return out * into / (out + into)


def _enough(values: Array, energy: float) -> int:
    """How many of the singular values hold that share of all squares."""
    held = np.cumsum(np.square(values, dtype=np.float64))
    return min(int(np.searchsorted(held, energy * held[-1] * (1 - 1e-12))) + 1, len(values))


def _factors(layer: Layer, rank: int) -> LowRank:
    """Two layers whose product is the nearest of that rank; the singular values are shared evenly."""
    rank = min(rank, *_matrix(layer).shape)
    left, values, right = np.linalg.svd(_matrix(layer), full_matrices=False)
    roots = np.sqrt(values[:rank])
    pair = _thin(layer, rank)
    pair[0].weight.array[...] = (right[:rank] * roots[:, None]).reshape(pair[0].weight.shape)
    pair[1].weight.array[...] = (left[:, :rank] * roots).reshape(pair[1].weight.shape)
    if layer.bias is not None:
        pair[1].bias.array[...] = layer.bias.array
    return pair


def _thin(layer: Layer, rank: int) -> LowRank:
    """Make two layers of that rank for one, with any numbers."""
    has_bias = layer.bias is not None
    first: Module
    second: Module
    if isinstance(layer, Linear):
        first, second = (
            Linear(layer.in_features, rank, bias=False),
            Linear(rank, layer.out_features, bias=has_bias),
        )
    else:
        kind = type(layer)
        window = (layer.stride, layer.padding, layer.dilation)
        first = kind(layer.in_channels, rank, _kernel(layer), *window, bias=False)
        second = kind(rank, layer.out_channels, 1, bias=has_bias)
    pair = LowRank(first, second).to(layer.weight.dtype)
    return pair.train(layer.training)


def _kernel(layer: Conv1d | Conv2d) -> Any:
    return layer.kernel_size[0] if isinstance(layer, Conv1d) else layer.kernel_size
