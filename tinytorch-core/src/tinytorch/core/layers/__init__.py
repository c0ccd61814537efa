"""Chapter 3, layers: what learns.

Read linear first, then containers, shaping, embedding, normalization; init says how weights begin.
"""

from tinytorch.core.layers.containers import ModuleDict, ModuleList, Sequential
from tinytorch.core.layers.embedding import Embedding
from tinytorch.core.layers.embedding import embedded as embedding
from tinytorch.core.layers.linear import Linear
from tinytorch.core.layers.linear import linear_of as linear
from tinytorch.core.layers.normalization import batch_normalized as batch_norm
from tinytorch.core.layers.normalization import group_norm
from tinytorch.core.layers.normalization import layer_normalized as layer_norm
from tinytorch.core.layers.normalization_modules import BatchNorm1d, BatchNorm2d, GroupNorm, LayerNorm
from tinytorch.core.layers.shaping import Dropout, Flatten, Identity, Unflatten
from tinytorch.core.layers.shaping import dropped_out as dropout
from tinytorch.core.module import Module, Parameter

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "Dropout",
    "Embedding",
    "Flatten",
    "GroupNorm",
    "Identity",
    "LayerNorm",
    "Linear",
    "Module",
    "ModuleDict",
    "ModuleList",
    "Parameter",
    "Sequential",
    "Unflatten",
    "batch_norm",
    "dropout",
    "embedding",
    "group_norm",
    "layer_norm",
    "linear",
]
