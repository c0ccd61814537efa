"""The multi-layer perceptron: linear layers with something bent between them."""

from __future__ import annotations

from itertools import pairwise

from tinytorch.core.activations import ReLU
from tinytorch.core.layers import Flatten, Linear, Module, Sequential


def mlp(*sizes: int) -> Sequential:
    """Make linear layers of these sizes with ReLU between them: (batch, ...) -> (batch, sizes[-1]).

    >>> mlp(2, 8, 2)
    Sequential(
      (0): Flatten(start_dim=1, end_dim=-1)
      (1): Linear(in_features=2, out_features=8, bias=True)
      (2): ReLU()
      (3): Linear(in_features=8, out_features=2, bias=True)
    )
    """
    if len(sizes) < 2:
        raise ValueError(f"mlp: expected the sizes of input and output at least, got {sizes}")
    layers: list[Module] = [Flatten()]
    for inputs, outputs in pairwise(sizes):
        layers += [Linear(inputs, outputs), ReLU()]
    return Sequential(*layers[:-1])
