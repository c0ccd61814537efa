"""Steps of optimizers: which parameters their kernels take, all of a group or none."""

from __future__ import annotations

from tinytorch.plugins import hookimpl
from tinytorch.types import Arrays
from tinytorch_accel.compiled import NEAR, kernels


@hookimpl
@NEAR
def sgd_step(
    params: Arrays,
    grads: Arrays,
    buffers: Arrays,
    first: bool,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
) -> bool | None:
    """All parameters in one pass."""
    return kernels.sgd_step(params, grads, buffers, first, lr, momentum, dampening, weight_decay, nesterov, maximize)


@hookimpl
@NEAR
def adam_step(
    params: Arrays,
    grads: Arrays,
    means: Arrays,
    squares: Arrays,
    largest: Arrays,
    step: int,
    decoupled: bool,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    amsgrad: bool,
    maximize: bool,
) -> bool | None:
    """All parameters in one pass."""
    return kernels.adam_step(
        params, grads, means, squares, largest, step, decoupled, lr, betas, eps, weight_decay, amsgrad, maximize
    )
