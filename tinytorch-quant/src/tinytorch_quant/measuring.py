"""Measuring models: bytes on the disk, bytes in memory, seconds."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.autograd import no_grad
from tinytorch.serialization import save
from tinytorch.transforming import noted

if TYPE_CHECKING:
    from tinytorch.core.module import Module
    from tinytorch.core.tensor import Tensor


def bytes_on_disk(model: Module, ending: str = ".npz") -> int:
    """How large a file of the model is, with all that is needed to read it: it is written, and removed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"model{ending}")
        save(
            {f"model.{name}": tensor for name, tensor in model.state_dict().items()}, path, {"transforms": noted(model)}
        )
        return path.stat().st_size


def bytes_in_memory(model: Module) -> int:
    """How many bytes the model's parameters and buffers hold, each array once, however many views there are."""
    owners = {}
    for tensor in (*model.parameters(), *model.buffers()):
        owner: Any = tensor.array
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        owners[id(owner)] = owner.nbytes
    return sum(owners.values())


def seconds(models: list[Module], x: Tensor, rounds: int = 15) -> list[list[float]]:
    """The times of calls of each model on the inputs, in turns, since machines are now faster, now slower."""
    times: list[list[float]] = [[] for _ in models]
    with no_grad():
        for each in models:
            each(x)  # the first call finds what later ones know
        for _ in range(rounds):
            for model, taken in zip(models, times, strict=True):
                began = time.perf_counter()
                model(x)
                taken.append(time.perf_counter() - began)
    return times
