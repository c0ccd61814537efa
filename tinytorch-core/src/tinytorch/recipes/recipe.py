"""Recipe: what is trained on what, and how."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinytorch.core.dataloader import Dataset
from tinytorch.core.layers import Module, Parameter
from tinytorch.core.losses import cross_entropy
from tinytorch.core.optimizers import Adam, CosineAnnealingLR, LRScheduler, Optimizer
from tinytorch.core.tensor import Tensor


def adam(parameters: Iterable[Parameter], lr: float) -> Optimizer:
    """Make the optimizer that recipes use unless they say otherwise."""
    return Adam(parameters, lr=lr)


def cosine(optimizer: Optimizer, epochs: int) -> LRScheduler:
    """Let the learning rate fall to 0 along half a cosine over the epochs."""
    return CosineAnnealingLR(optimizer, T_max=max(epochs, 1))


@dataclass(frozen=True)
class Recipe:
    """A training: functions that make its parts, and the defaults that a person may override."""

    name: str
    description: str  # one line
    make_model: Callable[[], Module]
    load_data: Callable[[Path | None], tuple[Dataset, Dataset]]  # the person's folder or None -> train and test
    epochs: int
    batch_size: int
    lr: float
    loss: Callable[[Any, Any], Tensor] = cross_entropy
    make_optimizer: Callable[[Iterable[Parameter], float], Optimizer] = adam
    make_scheduler: Callable[[Optimizer, int], LRScheduler] | None = cosine
