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
from tinytorch.core.training import accuracy


def adam(parameters: Iterable[Parameter], lr: float) -> Optimizer:
    """Make the optimizer that recipes use unless they say otherwise."""
    return Adam(parameters, lr=lr)


def cosine(optimizer: Optimizer, moves: int) -> LRScheduler:
    """Let the learning rate fall to 0 along half a cosine."""
    return CosineAnnealingLR(optimizer, T_max=max(moves, 1))


def nothing(train: Any) -> dict[str, Any]:
    """Note nothing about the data."""
    return {}


@dataclass(frozen=True)
class Recipe:
    """A training: functions that make its parts, and the defaults that a person may override."""

    name: str
    description: str  # one line
    make_model: Callable[[Any], Module]  # from the training data, which may have a vocabulary
    load_data: Callable[[Path | None], tuple[Dataset, Dataset]]  # the person's path or None -> train and held out
    epochs: int
    batch_size: int
    lr: float
    loss: Callable[[Any, Any], Tensor] = cross_entropy
    make_optimizer: Callable[[Iterable[Parameter], float], Optimizer] = adam
    make_scheduler: Callable[[Optimizer, int], LRScheduler] | None = cosine  # given how often it moves
    scheduler_interval: str = "epoch"  # or "step"
    metric: Callable[[Any, Any], float] = accuracy  # a function of this name, by which its value is shown
    held_out: str = "test"  # what the held-out data is called
    unit: str = "samples"  # what is counted
    units: int = 1  # of these in a row
    note: Callable[[Any], dict[str, Any]] = nothing  # what a checkpoint must know about the training data
    sample: Callable[[Any, Any], str] | None = None  # model and training data -> text, shown as it learns
