"""Checkpoints: a run at one instant, in one file.

Tensors by name ("model.…", "optimizer.…", "grad.…"), and beside them as JSON whatever is not a tensor. Unknown or
mismatched content is refused before anything is changed.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.random import default_generator
from tinytorch.serialization import CheckpointError, load_with_metadata, save

if TYPE_CHECKING:
    from pathlib import Path

    from tinytorch.core.training.trainer import Trainer

FORMAT = 1
PROGRESS = ("epoch", "batch", "step", "totals", "history", "epoch_random", "should_stop")


def save_run(trainer: Trainer, path: str | Path) -> None:
    """Write the trainer's whole state."""
    tensors = {f"model.{name}": tensor for name, tensor in trainer.model.state_dict().items()}
    for name, parameter in trainer.model.named_parameters():
        if parameter.grad is not None:  # in the middle of an accumulation
            tensors[f"grad.{name}"] = parameter.grad
    optimizer = trainer.optimizer.state_dict()
    numbers: dict[str, Any] = {}
    for param, state in optimizer["state"].items():
        tensors.update({f"optimizer.{param}.{key}": value for key, value in state.items() if isinstance(value, Tensor)})
        numbers[str(param)] = {key: value for key, value in state.items() if not isinstance(value, Tensor)}
    metadata = {
        "format": FORMAT,
        "notes": trainer.notes,
        "progress": {name: getattr(trainer, name) for name in PROGRESS},
        "random": default_generator.get_state(),
        "optimizer": {"state": numbers, "param_groups": optimizer["param_groups"]},
        "scheduler": None if trainer.scheduler is None else trainer.scheduler.state_dict(),
        "callbacks": [callback.state_dict() for callback in trainer.callbacks],
    }
    save(tensors, path, metadata)


def load_run(trainer: Trainer, path: str | Path) -> None:
    """Bring a trainer to the state in a file."""
    tensors, metadata = load_with_metadata(path)
    if metadata.get("format") != FORMAT:
        raise CheckpointError(f"load_checkpoint: {path} is no checkpoint of a training run (format {metadata.get('format')})")
    before = copy.deepcopy(_parts(trainer))
    try:
        _restore(trainer, tensors, metadata)
    except Exception as error:
        _put_back(trainer, before)
        raise CheckpointError(f"load_checkpoint: {path} does not fit this run: {error}") from error


def notes_of(path: str | Path) -> dict[str, Any]:
    """What the run's owner noted in a checkpoint."""
    notes = load_with_metadata(path)[1].get("notes")
    return notes if isinstance(notes, dict) else {}


def model_state(path: str | Path) -> dict[str, Tensor]:
    """Only the model's tensors of a checkpoint, ready for `load_state_dict`."""
    return _under("model.", load_with_metadata(path)[0])


def _restore(trainer: Trainer, tensors: dict[str, Tensor], metadata: dict[str, Any]) -> None:
    trainer.model.load_state_dict(_under("model.", tensors))
    state: dict[int, dict[str, Any]] = {int(n): dict(values) for n, values in metadata["optimizer"]["state"].items()}
    for name, tensor in _under("optimizer.", tensors).items():
        number, key = name.split(".", 1)
        state.setdefault(int(number), {})[key] = tensor
    groups = [{**group, "betas": tuple(group["betas"])} if "betas" in group else group for group in metadata["optimizer"]["param_groups"]]
    trainer.optimizer.load_state_dict({"state": state, "param_groups": groups})
    if trainer.scheduler is not None:
        trainer.scheduler.load_state_dict(metadata["scheduler"])
    for callback, saved in zip(trainer.callbacks, metadata["callbacks"], strict=False):
        callback.load_state_dict(saved)
    grads = _under("grad.", tensors)
    for name, parameter in trainer.model.named_parameters():
        parameter.grad = grads.get(name)
    for name in PROGRESS:
        setattr(trainer, name, metadata["progress"][name])
    default_generator.set_state(metadata["random"])


def _parts(trainer: Trainer) -> tuple[Any, ...]:
    progress = {name: getattr(trainer, name) for name in PROGRESS}
    schedule = trainer.scheduler.state_dict() if trainer.scheduler else None
    model = {name: tensor.clone() for name, tensor in trainer.model.state_dict().items()}
    return model, trainer.optimizer.state_dict(), schedule, progress, default_generator.get_state()


def _put_back(trainer: Trainer, parts: tuple[Any, ...]) -> None:
    model, optimizer, schedule, progress, random = parts
    trainer.model.load_state_dict(model)
    trainer.optimizer.load_state_dict(optimizer)
    if trainer.scheduler is not None and schedule is not None:
        trainer.scheduler.load_state_dict(schedule)
    for name, value in progress.items():
        setattr(trainer, name, value)
    default_generator.set_state(random)


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
