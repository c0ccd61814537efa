"""Counting: parameters and multiplications of a model, and how many of these have a weight that is not zero.

Counted are the products in a trace of the model, a multiplication with an addition being one MAC; a convolution counts
the zeros of its padding. What a mask or a transform left in zeros is only saved by who skips zeros; structure that is
gone is saved by all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tinytorch.core.module import Module
from tinytorch.core.tensor import Tensor
from tinytorch.plugins.registry import ops
from tinytorch.tracing import Call, Value
from tinytorch_compress.traces import traced

OURS = ("tinytorch.", "tinytorch_compress.")


class Cost(NamedTuple):
    """What a model holds and what a pass takes."""

    parameters: int
    macs: int  # of products: convolutions, linear layers, attention
    nonzero: int  # those whose weight is not zero
    unknown: tuple[str, ...]  # ops of plugins, of which no formula is known here


def cost(model: Module, *inputs: Tensor) -> Cost:
    """Count the model's parameters, and the MACs of a pass in evaluation over these inputs, batch included."""
    calls = traced("cost", model, inputs).calls
    counts = [PRODUCTS[call.op](call) if call.op in PRODUCTS else 0 for call in calls]
    used = [round(macs * _density(call)) for call, macs in zip(calls, counts, strict=True)]
    declared = ops()
    foreign = {call.op for call in calls if not declared[call.op].kernel.__module__.startswith(OURS)}
    parameters = sum(parameter.array.size for parameter in model.parameters())
    return Cost(parameters, sum(counts), sum(used), tuple(sorted(foreign)))


def _density(call: Call) -> float:
    """The share of a product's weight that is not zero; each number of it is used as often as any other."""
    weights = [
        each for each in call.inputs if isinstance(each, Value) and each.array is not None and each.array.ndim > 1
    ]
    if call.op not in {"matmul", "linear", "conv2d"} or len(weights) != 1 or weights[0].array is None:
        return 1.0
    return np.count_nonzero(weights[0].array) / max(weights[0].array.size, 1)


def _conv2d(call: Call) -> int:
    """Each output is a sum over a window of its group's channels."""
    return math.prod(call.outputs[0].shape) * math.prod(call.inputs[1].shape[1:])


def _linear(call: Call) -> int:
    return math.prod(call.outputs[0].shape) * int(call.inputs[1].shape[1])


def _matmul(call: Call) -> int:
    return math.prod(call.outputs[0].shape) * int(call.inputs[0].shape[-1])


def _attention(call: Call) -> int:
    """Scores and weighted values, of all keys also where later ones are not seen."""
    q, k, v = call.inputs[:3]
    return math.prod(q.shape[:3]) * int(k.shape[2]) * int(q.shape[3] + v.shape[3])


def _csr_linear(call: Call) -> int:
    """A product for each weight that is kept, and each row."""
    return math.prod(call.outputs[0].shape[:-1]) * int(call.inputs[1].shape[0])


PRODUCTS: dict[str, Callable[[Call], int]] = {
    "conv2d": _conv2d,
    "linear": _linear,
    "matmul": _matmul,
    "attention": _attention,
    "csr_linear": _csr_linear,
}
