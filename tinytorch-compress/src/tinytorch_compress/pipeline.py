"""A pipeline: transforms one after the other, each with the training that follows it, and what they did to the model.

Transforms are those that enabled plugins registered by name; none is imported here. The names of all transforms and
options are checked before the first runs, values when their step comes. A step ends with plain weights: masks that it
made are made permanent.
"""

from __future__ import annotations

import copy
import inspect
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from tinytorch import plugins
from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.random import manual_seed
from tinytorch.core.training import Callback
from tinytorch.plugins.registry import did_you_mean
from tinytorch.recipes import SavedModel, save_model
from tinytorch_compress import prune
from tinytorch_compress.counting import cost
from tinytorch_compress.schedule import GradualPruning
from tinytorch_compress.sparsity import sparsity_of

PRUNED_BY = 0.5  # of a training's steps; what follows repairs


@dataclass(frozen=True)
class Step:
    """A transform with its options, and for how many epochs the model is trained on afterwards.

    With `gradual`, "prune" does it along the cubic schedule in the first half of these.
    """

    transform: str
    options: dict[str, Any] = field(default_factory=dict)
    epochs: int = 0
    lr: float | None = None  # the recipe's if None
    gradual: bool = True
    calibration_batches: int = 4  # of training inputs, for transforms that take some

    def __post_init__(self) -> None:
        """Raise ValueError for values that cannot be."""
        if type(self.transform) is not str or not self.transform:
            raise ValueError(f"Step: expected the name of a transform, got {self.transform!r}")
        for name, least in (("epochs", 0), ("calibration_batches", 1)):
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise ValueError(f"{self.transform}: expected {name} as a whole number from {least} on, got {value!r}")
        if self.lr is not None and (type(self.lr) not in (int, float) or not 0 < self.lr < float("inf")):
            raise ValueError(f"{self.transform}: expected lr as a number above 0, got {self.lr!r}")
        if type(self.gradual) is not bool:
            raise ValueError(f"{self.transform}: expected gradual as true or false, got {self.gradual!r}")


@dataclass(frozen=True)
class Stage:
    """A model after a step: bytes really written, what of it is zero, how much it computes, how good it is."""

    name: str
    bytes: int  # of a plain .npz
    packed_bytes: int  # of a deflated one
    sparsity: float | None  # None where no float weights are left
    macs: int | None  # None where ops of plugins compute, whose formulas are not known here
    accuracy: float
    loss: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def run(
    saved: SavedModel, steps: list[Step], *, seed: int = 0, callbacks: Callable[[Step], list[Callback]] = lambda _: []
) -> Iterator[tuple[SavedModel, Stage]]:
    """Apply the steps to a copy of a model, and give it as it is before them and after each.

    `callbacks` gives those of a step's training. Raises ValueError before anything is done where a step cannot be.
    """
    check(saved, steps)
    return _run(saved.having(copy.deepcopy(saved.model)), steps, seed, callbacks)


def check(saved: SavedModel, steps: list[Step]) -> None:
    """Raise ValueError for transforms that are not there, and options that they do not take."""
    known = plugins.transforms()
    for step in steps:
        if step.transform not in known:
            told = f"there are {', '.join(known) or 'none'}{did_you_mean(step.transform, known)}"
            raise ValueError(f"compress: no enabled plugin brings a transform '{step.transform}'; {told}")
        if "calibration" in step.options:
            told = "calibration is drawn from the training data; say calibration_batches"
            raise ValueError(f"compress: transform '{step.transform}': {told}")
        signature = inspect.signature(known[step.transform])
        examples: dict[str, Any] = {"calibration": []} if "calibration" in signature.parameters else {}
        try:
            signature.bind(saved.model, **{**examples, **step.options})
        except TypeError as error:
            raise ValueError(f"compress: transform '{step.transform}': {error}") from error


def measured(name: str, saved: SavedModel) -> Stage:
    """Tell what a model is like now; it is written to the disk twice for that, and evaluated."""
    tested = saved.evaluate()
    metric = next(value for key, value in tested.items() if key != "loss")
    sizes = [_written_bytes(saved, compress=compress) for compress in (False, True)]
    return Stage(name, sizes[0], sizes[1], _sparsity(saved), _macs(saved), metric, tested["loss"])


def _written_bytes(saved: SavedModel, *, compress: bool) -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.npz")
        save_model(saved, path, compress=compress)
        return path.stat().st_size


def _run(
    saved: SavedModel, steps: list[Step], seed: int, callbacks: Callable[[Step], list[Callback]]
) -> Iterator[tuple[SavedModel, Stage]]:
    manual_seed(seed)
    yield saved, measured("as it was", saved)
    for step in steps:
        saved = _applied(saved, step, callbacks(step))
        yield saved, measured(step.transform + (f", {step.epochs} epochs" if step.epochs else ""), saved)


def _applied(saved: SavedModel, step: Step, callbacks: list[Callback]) -> SavedModel:
    if _is_gradual(step):
        end = max(1, round(PRUNED_BY * step.epochs * len(saved.train_batches)))
        wanted = {name: value for name, value in step.options.items() if name != "method"}
        callbacks = [GradualPruning(saved.model, **wanted, end=end, every=max(1, end // 50)), *callbacks]
    else:
        transform = plugins.transforms()[step.transform]
        saved = saved.having(transform(saved.model, **step.options, **_calibration(transform, saved, step)))
    if step.epochs:
        trainer = saved.trainer(step.epochs, step.lr, callbacks=callbacks)
        trainer.fit(saved.train_batches, step.epochs)
    return saved.having(prune.remove_all(saved.model).eval())


def _is_gradual(step: Step) -> bool:
    """Whether a step prunes while it trains: to a sparsity and by magnitude, which is all that the schedule knows."""
    by_magnitude = step.options.get("method", "magnitude") == "magnitude"
    to_sparsity = "sparsity" in step.options and "pattern" not in step.options
    return step.transform == "prune" and step.gradual and step.epochs > 0 and by_magnitude and to_sparsity


def _calibration(transform: Callable[..., Any], saved: SavedModel, step: Step) -> dict[str, Any]:
    """Batches of training inputs, if the transform takes some."""
    if "calibration" not in inspect.signature(transform).parameters:
        return {}
    return {"calibration": [inputs for inputs, _ in islice(saved.train_batches, step.calibration_batches)]}


def _sparsity(saved: SavedModel) -> float | None:
    try:
        return sparsity_of(saved.model)
    except ValueError:  # no float weights are left
        return None


def _macs(saved: SavedModel) -> int | None:
    """MACs for one sample."""
    inputs = next(iter(saved.test_batches))[0]
    counted = cost(saved.model, Tensor(inputs.array[:1]))
    return None if counted.unknown else counted.macs
