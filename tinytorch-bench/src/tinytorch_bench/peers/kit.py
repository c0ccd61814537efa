"""What the workloads need of a library: tinytorch and PyTorch share most words, and a `Kit` brings the others."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tinytorch_bench.peers.numbers import drawn, weights
from tinytorch_bench.peers.peer import Step
from tinytorch_bench.tinymlperf.tasks import Task


@dataclass(frozen=True)
class Kit:
    """What one of the two libraries brings."""

    library: Any  # nn, optim, autograd, from_numpy
    models: Any  # GPT and the networks of MLPerf Tiny
    inference: Callable[[], AbstractContextManager[Any]]  # where no derivative will be asked for
    arranged: Callable[[Any], Any] = lambda given: given  # a network or images, in the order of memory that is tried
    options: dict[str, Any] = field(default_factory=dict)  # of optimizers
    decode: Callable[[Any, int, bool], list[int]] | None = None  # tokens greedily after 0, with or without a cache
    imported: Callable[[Path, Task], Step] | None = None  # a .tflite file, asked about one drawn input


def with_gradients(kit: Kit, forward: Step, inputs: list[Any]) -> Step:
    """Make the step that computes something and the gradients of its inputs."""
    grad = kit.library.from_numpy(drawn("grad", *forward().shape))

    def step() -> Any:
        out = forward()
        return [out, *kit.library.autograd.grad(out, inputs, grad)]

    return step


def without_gradients(kit: Kit, forward: Step) -> Step:
    """Make the step that computes something where no gradient will be asked for."""

    def step() -> Any:
        with kit.inference():
            return forward()

    return step


def fill(kit: Kit, model: Any) -> None:
    """Give a network the weights that all peers get."""
    state = weights({name: tuple(each.shape) for name, each in model.state_dict().items()})
    model.load_state_dict({name: kit.library.from_numpy(values) for name, values in state.items()})


def tensor(kit: Kit, name: str, *shape: int) -> Any:
    """Numbers that all peers get."""
    return kit.library.from_numpy(drawn(name, *shape))


def leaf(kit: Kit, name: str, *shape: int) -> Any:
    """The same, with a gradient to come."""
    return tensor(kit, name, *shape).requires_grad_()


def labels(kit: Kit, count: int, classes: int = 10) -> Any:
    """Numbers of classes, one after the other."""
    return kit.library.from_numpy(np.arange(count) % classes)


def arrays(result: Any) -> list[Any]:
    """Give the numbers of a number, a tensor or some tensors, as copies."""
    parts = result if isinstance(result, (list, tuple)) else [result]
    return [np.array(part if isinstance(part, float) else part.detach().numpy()) for part in parts]
