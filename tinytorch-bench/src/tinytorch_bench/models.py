"""What is told of a model beside its times: its bytes, and the transforms that made it what it is."""

from __future__ import annotations

from tinytorch import Tensor, nn
from tinytorch.transforming import applied


def nbytes(model: nn.Module) -> int:
    """Count the bytes of all parameters and buffers in a model's state, each memory once."""
    state: dict[str, Tensor] = model.state_dict()
    return sum({id(tensor.array): int(tensor.array.nbytes) for tensor in state.values()}.values())


def parameters(model: nn.Module) -> int:
    """Count the numbers that a model has learned."""
    return sum(int(parameter.array.size) for parameter in model.parameters())


def applied_names(model: nn.Module) -> list[str]:
    """Name the transforms that were applied to a model, in their order."""
    return [f"{each.plugin}: {each.name}" for each in applied(model)]
