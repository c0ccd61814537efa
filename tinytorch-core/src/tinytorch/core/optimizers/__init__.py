"""Chapter 6, optimizers: small steps downhill.

Read optimizer first, then methods and steps; schedules and clipping are for training that must not stumble.
"""

from tinytorch.core.optimizers.clipping import clip_grad_norm_, clip_grad_value_
from tinytorch.core.optimizers.methods import SGD, Adam, AdamW, RMSprop
from tinytorch.core.optimizers.optimizer import Optimizer
from tinytorch.core.optimizers.schedules import (
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    SequentialLR,
    StepLR,
)

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "CosineAnnealingLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "Optimizer",
    "RMSprop",
    "SequentialLR",
    "StepLR",
    "clip_grad_norm_",
    "clip_grad_value_",
]
