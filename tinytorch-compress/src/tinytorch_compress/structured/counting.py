"""Counting: parameters and multiply-accumulates of a model, found by running it once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from tinytorch_compress.structured.groups import traced

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tinytorch.core.module import Module
    from tinytorch.core.tensor import Tensor
    from tinytorch.tracing import Call


class Cost(NamedTuple):
    """What a model holds and what a pass costs."""

    parameters: int
    macs: int  # multiply-accumulates of products: convolutions, linear layers, attention


def cost(model: Module, example_inputs: Tensor | Sequence[Tensor]) -> Cost:
    """Count the model's parameters and the multiply-accumulates of a pass over the example, batch included."""
    graph = traced("cost", model, example_inputs)
    macs = sum(PRODUCTS[call.op](call) for call in graph.calls if call.op in PRODUCTS)
    return Cost(sum(parameter.array.size for parameter in model.parameters()), macs)


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


PRODUCTS: dict[str, Callable[[Any], int]] = {
    "conv2d": _conv2d,
    "linear": _linear,
    "matmul": _matmul,
    "attention": _attention,
}
