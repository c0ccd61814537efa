"""Traces: what a model calls in evaluation, or one sentence why it cannot be run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinytorch.core.module import Module
from tinytorch.core.tensor import Tensor
from tinytorch.core.training import evaluating
from tinytorch.tracing import Graph, trace


def traced(function: str, model: Module, example_inputs: Tensor | Sequence[Tensor]) -> Graph:
    """What a model does with its inputs in evaluation; raises ValueError where it does not take them."""
    if not isinstance(model, Module) or not isinstance(example_inputs, (Tensor, list, tuple)):
        got = f"{type(model).__name__} and {type(example_inputs).__name__}"
        raise TypeError(f"{function}: expected a module and a tensor or several as example inputs, got {got}")
    inputs = as_inputs(example_inputs)
    try:
        with evaluating(model):
            return trace(model, *inputs)
    except (ValueError, TypeError, IndexError, RuntimeError) as error:
        shapes = ", ".join(map(_shape, inputs)) or "of none"
        raise ValueError(f"{function}: {type(model).__name__} cannot be run on inputs {shapes}: {error}") from error


def as_inputs(example_inputs: Tensor | Sequence[Tensor]) -> tuple[Tensor, ...]:
    """What the model is called with: one tensor or several."""
    return (example_inputs,) if isinstance(example_inputs, Tensor) else tuple(example_inputs)


def _shape(value: Any) -> str:
    return str(getattr(value, "shape", type(value).__name__))
