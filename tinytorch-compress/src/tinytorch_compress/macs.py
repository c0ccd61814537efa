"""Arithmetic: how many multiplications a model takes, and how many of these have a weight that is not zero.

Counted are the products in a trace of the model, a multiplication with an addition being one MAC; a convolution counts
the zeros of its padding. What a mask or a transform left in zeros is only saved by who skips zeros; structure that is
gone is saved by all.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tinytorch.core.module import Module
from tinytorch.core.tensor import Tensor
from tinytorch.core.training import evaluating
from tinytorch.plugins.registry import ops
from tinytorch.tracing import Call, Value, trace
from tinytorch_compress.structured.counting import PRODUCTS

OURS = ("tinytorch.", "tinytorch_compress.")


class Arithmetic(NamedTuple):
    """MACs of one forward pass."""

    macs: int
    nonzero: int  # those whose weight is not zero
    unknown: tuple[str, ...]  # ops of plugins, of which no formula is known here


def arithmetic(model: Module, *inputs: Tensor) -> Arithmetic:
    """Count the MACs of the model in evaluation mode on these inputs."""
    with evaluating(model):
        calls = trace(model, *inputs).calls
    counts = [macs_of(call) for call in calls]
    used = [round(macs * _density(call)) for call, macs in zip(calls, counts, strict=True)]
    declared = ops()
    foreign = {call.op for call in calls if not declared[call.op].kernel.__module__.startswith(OURS)}
    return Arithmetic(sum(counts), sum(used), tuple(sorted(foreign)))


def macs_of(call: Call) -> int:
    """The MACs of one call; 0 for all that is no product."""
    if call.op == "csr_linear":
        return math.prod(call.outputs[0].shape[:-1]) * int(call.inputs[1].shape[0])
    return PRODUCTS[call.op](call) if call.op in PRODUCTS else 0


def _density(call: Call) -> float:
    """The share of a product's weight that is not zero; each number of it is used as often as any other."""
    weights = [
        each for each in call.inputs if isinstance(each, Value) and each.array is not None and each.array.ndim > 1
    ]
    if call.op not in {"matmul", "linear", "conv2d"} or len(weights) != 1 or weights[0].array is None:
        return 1.0
    return np.count_nonzero(weights[0].array) / max(weights[0].array.size, 1)
