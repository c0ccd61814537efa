"""One optimizer step as an op: all parameters of a group at once, written in place.

Each kernel walks through memory in pieces that stay in the cache, since an update reads and writes every number several
times. A plugin may replace a whole step by one pass.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from tinytorch.core.tensor import op

if TYPE_CHECKING:
    from tinytorch.types import Array, Arrays

PIECE = 1 << 16  # numbers worked on at a time: a few arrays of them fit into a level-2 cache


@op(inplace=True)
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
) -> bool:
    """p -= lr * velocity; velocity = momentum * velocity + (1 - dampening) * grad, or grad in the first step.

    Writes params and buffers (one for each parameter; none without momentum). Returns True: done.
    """
    for i, param in enumerate(params):
        velocities = (buffers[i],) if momentum else ()
        for p, g, scratch, *velocity in _pieces(param, grads[i], *velocities):
            step = g
            if weight_decay:
                step = np.multiply(p, weight_decay, out=scratch)
                step += g
            if velocity:
                step = _velocity_step(velocity[0], step, scratch, first, momentum, dampening, nesterov)
            p -= np.multiply(step, lr, out=scratch)
    return True


def _velocity_step(
    velocity: Array, step: Array, scratch: Array, first: bool, momentum: float, dampening: float, nesterov: bool
) -> Array:
    """Update the velocity with this step's gradient and return the way to go."""
    if first:
        velocity[...] = step
    else:
        velocity *= momentum
        velocity += step if not dampening else step * (1.0 - dampening)
    if not nesterov:
        return velocity
    return np.add(step, velocity * momentum, out=scratch)


@op(inplace=True)
def adam_step(
    params: Arrays,
    grads: Arrays,
    means: Arrays,
    squares: Arrays,
    step: int,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
) -> bool:
    """Kingma & Ba 2015, algorithm 1; decoupled weight decay as Loshchilov & Hutter 2019 (AdamW). `step` counts from 1.

    Writes params, means and squares. Returns True: done.
    """
    rate = lr / (1.0 - beta1**step)
    root = math.sqrt(1.0 - beta2**step)
    for param, grad, mean, square in zip(params, grads, means, squares, strict=True):
        for p, g, scratch, m, v in _pieces(param, grad, mean, square):
            if weight_decay and decoupled:
                p *= 1.0 - lr * weight_decay
            elif weight_decay:
                g = g + weight_decay * p
            np.subtract(g, m, out=scratch)
            scratch *= 1.0 - beta1
            m += scratch
            np.multiply(g, g, out=scratch)
            scratch *= 1.0 - beta2
            v *= beta2
            v += scratch
            np.sqrt(v, out=scratch)
            scratch /= root
            scratch += eps
            np.divide(m, scratch, out=scratch)
            scratch *= rate
            p -= scratch
    return True


@op(inplace=True)
def rmsprop_step(
    params: Arrays,
    grads: Arrays,
    squares: Arrays,
    buffers: Arrays,
    lr: float,
    alpha: float,
    eps: float,
    weight_decay: float,
    momentum: float,
) -> bool:
    """Hinton's lecture 6e: p -= lr * grad / (sqrt(moving mean of grad squared) + eps), with momentum if not 0.

    Writes params, squares and buffers (none without momentum). Returns True: done.
    """
    for i, param in enumerate(params):
        velocities = (buffers[i],) if momentum else ()
        for p, g, scratch, v, *velocity in _pieces(param, grads[i], squares[i], *velocities):
            if weight_decay:
                g = g + weight_decay * p
            np.multiply(g, g, out=scratch)
            scratch *= 1.0 - alpha
            v *= alpha
            v += scratch
            np.sqrt(v, out=scratch)
            scratch += eps
            np.divide(g, scratch, out=scratch)
            if velocity:
                velocity[0] *= momentum
                velocity[0] += scratch
                scratch = velocity[0] * lr
            else:
                scratch *= lr
            p -= scratch
    return True


def _pieces(param: Array, grad: Array, *state: Array) -> Iterator[list[Array]]:
    """Parameter, gradient, a scratch buffer and the state, piece by piece."""
    arrays = (param, grad, *state)
    if param.size <= PIECE or not all(array.flags.c_contiguous for array in arrays):
        yield [param, grad, np.empty_like(param), *state]
        return
    flat = [array.reshape(-1) for array in arrays]
    scratch = np.empty_like(flat[0][:PIECE])
    for start in range(0, param.size, PIECE):
        p, g, *rest = [array[start : start + PIECE] for array in flat]
        yield [p, g, scratch[: p.size], *rest]
