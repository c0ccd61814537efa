"""Arguments for every kernel, of any size: what the tests of all families go through."""

import numpy as np

from tinytorch.plugins import registry


def numbers(rng, *shape):
    return rng.standard_normal(shape, np.float32) * 2


def gelu(rng, rows, width, form="none"):
    return numbers(rng, rows, width), form


def gelu_grad(rng, rows, width, form="none"):
    x, form = gelu(rng, rows, width, form)
    return numbers(rng, rows, width), x, core("gelu")(x, form)[1], form


def layer_norm(rng, rows, width):
    return numbers(rng, rows, width), numbers(rng, width), numbers(rng, width), 1, 1e-5


def layer_norm_grad(rng, rows, width):
    x, weight, bias, ndim, eps = layer_norm(rng, rows, width)
    _, mean, rstd = core("layer_norm")(x, weight, bias, ndim, eps)
    return numbers(rng, rows, width), x, weight, mean, rstd, ndim


def rms_norm(rng, rows, width):
    return numbers(rng, rows, width), numbers(rng, width), 1, 1e-5


def rms_norm_grad(rng, rows, width):
    x, weight, ndim, eps = rms_norm(rng, rows, width)
    return numbers(rng, rows, width), x, weight, core("rms_norm")(x, weight, ndim, eps)[1], ndim


def one(rng, rows, width):
    return (numbers(rng, rows, width) * 3,)


def positive(rng, rows, width):
    return (np.abs(numbers(rng, rows, width)) + np.float32(1e-3),)


def silu_grad(rng, rows, width):
    return numbers(rng, rows, width), *one(rng, rows, width)


def softplus(rng, rows, width):
    return *one(rng, rows, width), 1.0, 20.0


def softmax(rng, rows, width):
    return numbers(rng, rows, width), 1


def softmax_grad(rng, rows, width):
    return numbers(rng, rows, width), core("softmax")(numbers(rng, rows, width), 1), 1


def log_softmax_grad(rng, rows, width):
    return numbers(rng, rows, width), core("log_softmax")(numbers(rng, rows, width), 1), 1


def cross_entropy(rng, rows, width):
    return numbers(rng, rows, width), rng.integers(0, width, rows)


def cross_entropy_grad(rng, rows, width):
    scores, target = cross_entropy(rng, rows, width)
    return numbers(rng, rows), scores, target, core("cross_entropy")(scores, target)[1]


def batch_norm(rng, rows, width):
    return numbers(rng, rows, width), numbers(rng, width), numbers(rng, width), 1e-5


def batch_norm_grad(rng, rows, width):
    x, weight, *_ = batch_norm(rng, rows, width)
    _, mean, rstd = core("batch_norm")(x, None, None, 0.1)  # large: rows may be alike
    return numbers(rng, rows, width), x, weight, mean, rstd


def batch_norm_inference(rng, rows, width):
    variance = rng.uniform(0.1, 2.0, width).astype(np.float32)
    return numbers(rng, rows, width), numbers(rng, width), variance, numbers(rng, width), numbers(rng, width), 1e-5


CALLS = {
    "batch_norm": batch_norm,
    "batch_norm_grad": batch_norm_grad,
    "batch_norm_inference": batch_norm_inference,
    "exp": one,
    "log": positive,
    "tanh": one,
    "sigmoid": one,
    "silu": one,
    "silu_grad": silu_grad,
    "softplus": softplus,
    "softmax": softmax,
    "softmax_grad": softmax_grad,
    "log_softmax": softmax,
    "log_softmax_grad": log_softmax_grad,
    "cross_entropy": cross_entropy,
    "cross_entropy_grad": cross_entropy_grad,
    "gelu": gelu,
    "gelu_tanh": lambda *args: gelu(*args, form="tanh"),
    "gelu_grad": gelu_grad,
    "gelu_tanh_grad": lambda *args: gelu_grad(*args, form="tanh"),
    "rms_norm": rms_norm,
    "rms_norm_grad": rms_norm_grad,
    "layer_norm": layer_norm,
    "layer_norm_grad": layer_norm_grad,
}


def op_of(call):
    """The op that a call is of."""
    return call.replace("_tanh", "")


def core(op):
    """The core's kernel."""
    return registry.find(op).kernel


def outputs(answer):
    """All of them, of one too."""
    return answer if isinstance(answer, tuple) else (answer,)
