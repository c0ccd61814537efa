"""The system under test: a task's model, run by tinytorch with the plugins in force.

Only `infer` is timed. The rules leave pre- and post-processing untimed: turning an input into what the model takes, and
an output into numbers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import tinytorch as tt
from tinytorch import models, nn
from tinytorch.plugins import PluginError
from tinytorch.serialization import CheckpointError
from tinytorch.types import Array
from tinytorch_bench.tinymlperf.keras import keyword_spotter
from tinytorch_bench.tinymlperf.tasks import MissingError, Precision, Task, TinyError


@dataclass(frozen=True)
class System:
    """A model that can be asked."""

    model: str  # its file, below the folder of data
    digest: str  # SHA-256 of the file
    prepare: Callable[[Array], Any]  # (batch, *shape) real numbers, channels last -> what `infer` takes
    infer: Callable[[Any], Any]
    numbers: Callable[[Any], Array]  # -> (batch, outputs)

    def __call__(self, inputs: Array) -> Array:
        """(batch, *shape) -> (batch, outputs), by the same steps that are timed."""
        return self.numbers(self.infer(self.prepare(inputs)))


def system(task: Task, precision: Precision, folder: Path) -> System:
    """Make a task's model ready; raises MissingError where its file, or who reads it, is not here."""
    name = task.models[precision]
    path = folder / name
    if not path.is_file():
        raise MissingError(f"there is no {path}: the model's file, of github.com/mlcommons/tiny's benchmark/training")
    model = keyword_spotter(path) if path.suffix == ".npz" else _imported(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return System(name, digest, _prepared, lambda given: _asked(model, given), lambda out: _numbers(task, out))


def _imported(path: Path) -> nn.Module:
    try:
        return models.import_model(path).eval()
    except (PluginError, CheckpointError) as error:
        raise MissingError(str(error)) from error


def _prepared(inputs: Array) -> tt.Tensor:
    """Images channels first, as tinytorch has them."""
    axes = (0, inputs.ndim - 1, *range(1, inputs.ndim - 1))
    return tt.from_numpy(np.ascontiguousarray(inputs.transpose(axes)))


def _asked(model: nn.Module, given: tt.Tensor) -> tt.Tensor:
    with tt.no_grad():
        return model(given)


def _numbers(task: Task, out: tt.Tensor) -> Array:
    """What came out; raises TinyError for what cannot be an answer."""
    found = np.asarray(out.numpy(), np.float32)
    if found.ndim != 2 or found.shape[1] != task.outputs:
        raise TinyError(f"{task.name}: expected answers of {task.outputs} numbers, the model gives {found.shape[1:]}")
    if not np.isfinite(found).all():
        raise TinyError(f"{task.name}: the model gives numbers that are not finite")
    return found
