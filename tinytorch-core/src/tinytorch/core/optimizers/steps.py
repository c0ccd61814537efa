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
from tinytorch.core.tensor.pieces import in_pieces

if TYPE_CHECKING:
    from tinytorch.types import Array, Arrays


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
    maximize: bool,
) -> bool:
    """p -= lr * velocity; velocity = momentum * velocity + (1 - dampening) * grad, or grad in the first step.

    Writes params and buffers (one for each parameter; none without momentum). In all steps `maximize` goes up: the
    gradient is negated, then the weights' decay added. Returns True: done.
    """
    for i, param in enumerate(params):
        velocities = (buffers[i],) if momentum else ()
        for p, g, scratch, *velocity in _pieces(param, grads[i], *velocities):
            step = _decayed(p, g, weight_decay, maximize, scratch)
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
    largest: Arrays,
    step: int,
    decoupled: bool,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    amsgrad: bool,
    maximize: bool,
) -> bool:
    """Kingma & Ba 2015, algorithm 1; decoupled weight decay as Loshchilov & Hutter 2019 (AdamW). `step` counts from 1.

    Writes params, means, squares and largest (of the squares so far: Reddi et al. 2018, algorithm 2; none without
    amsgrad). Returns True: done.
    """
    beta1, beta2 = betas
    rate = lr / (1.0 - beta1**step)
    root = math.sqrt(1.0 - beta2**step)
    for i, param in enumerate(params):
        maxima = (largest[i],) if amsgrad else ()
        for p, g, scratch, m, v, *most in _pieces(param, grads[i], means[i], squares[i], *maxima):
            if weight_decay and decoupled:
                p *= 1.0 - lr * weight_decay
            g = _decayed(p, g, 0.0 if decoupled else weight_decay, maximize)
            _move_towards(m, g, 1.0 - beta1, scratch)
            _add_square(v, g, beta2, scratch)
            np.sqrt(np.maximum(most[0], v, out=most[0]) if most else v, out=scratch)
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
    means: Arrays,
    lr: float,
    alpha: float,
    eps: float,
    weight_decay: float,
    momentum: float,
    centered: bool,
    maximize: bool,
) -> bool:
    """Hinton's lecture 6e: p -= lr * grad / (sqrt(moving mean of grad squared) + eps), with momentum if not 0.

    Writes params, squares, buffers (none without momentum) and means (of grad, whose squares are taken off if centered:
    Graves 2013, equations 38 to 41; none without). Returns True: done.
    """
    for i, param in enumerate(params):
        state = [squares[i], *([means[i]] if centered else []), *([buffers[i]] if momentum else [])]
        for p, g, scratch, v, *more in _pieces(param, grads[i], *state):
            g = _decayed(p, g, weight_decay, maximize)
            _add_square(v, g, alpha, scratch)
            if centered:
                _move_towards(more[0], g, 1.0 - alpha, scratch)
                np.multiply(more[0], more[0], out=scratch)
                np.subtract(v, scratch, out=scratch)
            np.sqrt(scratch if centered else v, out=scratch)
            scratch += eps
            np.divide(g, scratch, out=scratch)
            if momentum:
                more[-1] *= momentum
                more[-1] += scratch
                np.multiply(more[-1], lr, out=scratch)
            else:
                scratch *= lr
            p -= scratch
    return True


def _decayed(p: Array, g: Array, weight_decay: float, maximize: bool, out: Array | None = None) -> Array:
    """Return the gradient, negated to go up, plus the weights' decay; without either the gradient itself."""
    if weight_decay:
        decay = np.multiply(p, weight_decay, out=out)
        return np.subtract(decay, g, out=out) if maximize else np.add(decay, g, out=out)
    return np.negative(g, out=out) if maximize else g


def _move_towards(mean: Array, g: Array, share: float, scratch: Array) -> None:
    """mean += share * (g - mean)."""
    np.subtract(g, mean, out=scratch)
    scratch *= share
    mean += scratch


def _add_square(square: Array, g: Array, kept: float, scratch: Array) -> None:
    """square = kept * square + (1 - kept) * g ** 2."""
    np.multiply(g, g, out=scratch)
    scratch *= 1.0 - kept
    square *= kept
    square += scratch


def _pieces(param: Array, grad: Array, *state: Array) -> Iterator[list[Array]]:
    """Parameter, gradient, a scratch buffer and the state, piece by piece."""
    scratch = None
    for p, g, *rest in in_pieces(param, grad, *state):
        scratch = np.empty_like(p) if scratch is None else scratch
        yield [p, g, scratch[: p.size] if p.ndim == 1 else scratch, *rest]
