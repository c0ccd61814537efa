"""Checkpoints: a run at one instant, in one file.

Tensors by name ("model.…", "grad.…", "optimizer.…"), and beside them as JSON whatever is not a tensor. A file is looked
through before anything is changed (see fitting), and what cannot be taken over even then is put back.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinytorch.core.tensor import Tensor
from tinytorch.core.training.fitting import PROGRESS, check_file, check_fits, stateful
from tinytorch.serialization import CheckpointError, load_with_metadata, save
from tinytorch.transforming import noted

if TYPE_CHECKING:
    from tinytorch.core.training.trainer import Trainer

FORMAT = 1
Content = tuple[dict[str, Tensor], dict[str, Any]]  # the tensors by name, and the rest


def save_run(trainer: Trainer, path: str | Path) -> None:
    """Write the trainer's whole state."""
    tensors, metadata = _content(trainer)
    save(tensors, path, metadata)


def load_run(trainer: Trainer, path: str | Path) -> None:
    """Bring a trainer to the state in a file; raise CheckpointError for one that does not fit, and change nothing."""
    tensors, metadata = read_run(path)
    now = _content(trainer)
    try:
        check_fits(trainer, tensors, metadata, now)
    except Exception as error:
        raise _misfit(path, error) from error
    before = {name: tensor.clone() for name, tensor in now[0].items()}, now[1]
    try:
        _restore(trainer, tensors, metadata)
    except Exception as error:  # a callback of the person's may refuse its state in any way
        _restore(trainer, *before)
        raise _misfit(path, error) from error


def notes_of(path: str | Path) -> dict[str, Any]:
    """Return what the run's owner noted in a checkpoint."""
    notes: dict[str, Any] = read_run(path)[1]["notes"]
    return notes


def model_state(path: str | Path) -> dict[str, Tensor]:
    """Return only the model's tensors of a checkpoint, ready for `load_state_dict`."""
    return under("model.", read_run(path)[0])


def under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors whose names begin so, by the rest of their names."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def read_run(path: str | Path) -> Content:
    """Return what a checkpoint holds; raise CheckpointError for a file that is none, whole and of our format."""
    tensors, metadata = load_with_metadata(path)
    if metadata.get("format") != FORMAT:
        told = f"is no checkpoint of a training run (format {metadata.get('format')!r})"
        raise CheckpointError(f"load_checkpoint: {path} {told}")
    metadata.setdefault("transforms", [])  # older files do not tell
    try:
        check_file(tensors, metadata)
    except ValueError as error:
        raise CheckpointError(f"load_checkpoint: {path} is damaged: {error}") from error
    return tensors, metadata


def _content(trainer: Trainer) -> Content:
    """Return what a checkpoint of this moment holds; the tensors share memory with the run."""
    optimizer, scheduler = trainer.optimizer.state_dict(), trainer.scheduler
    tensors = {f"model.{name}": tensor for name, tensor in trainer.model.state_dict().items()}
    for name, parameter in trainer.model.named_parameters():
        if parameter.grad is not None:  # in the middle of an accumulation
            tensors[f"grad.{name}"] = parameter.grad
    numbers: dict[str, Any] = {}
    for param, state in optimizer["state"].items():
        tensors |= {f"optimizer.{param}.{key}": value for key, value in state.items() if isinstance(value, Tensor)}
        numbers[str(param)] = {key: value for key, value in state.items() if not isinstance(value, Tensor)}
    metadata = {
        "format": FORMAT,
        "notes": trainer.notes,
        "transforms": noted(trainer.model),  # so that the model can be made without the run
        "tensors": sorted(tensors),
        "progress": {name: getattr(trainer, name) for name in PROGRESS},
        "random": trainer.streams.get_state(),
        "optimizer": {**_named(trainer.optimizer, numbers), "param_groups": optimizer["param_groups"]},
        "scheduler": None if scheduler is None else _named(scheduler, scheduler.state_dict()),
        "callbacks": [_named(callback, callback.state_dict()) for callback in stateful(trainer)],
    }
    return tensors, metadata


def _named(part: object, state: dict[str, Any]) -> dict[str, Any]:
    return {"kind": type(part).__name__, "state": state}


def _restore(trainer: Trainer, tensors: dict[str, Tensor], metadata: dict[str, Any]) -> None:
    trainer.model.load_state_dict(under("model.", tensors))
    trainer.optimizer.load_state_dict(_optimizer_state(trainer, tensors, metadata["optimizer"]))
    if trainer.scheduler is not None:
        trainer.scheduler.load_state_dict(metadata["scheduler"]["state"])
    for callback, saved in zip(stateful(trainer), metadata["callbacks"], strict=True):
        callback.load_state_dict(saved["state"])
    grads = under("grad.", tensors)
    for name, parameter in trainer.model.named_parameters():
        parameter.grad = grads.get(name)
    for name in PROGRESS:
        setattr(trainer, name, metadata["progress"][name])
    trainer.streams.set_state(metadata["random"])


def _optimizer_state(trainer: Trainer, tensors: dict[str, Tensor], saved: dict[str, Any]) -> dict[str, Any]:
    """Join an optimizer's numbers and tensors to what its `load_state_dict` takes; JSON knows no tuples."""
    state: dict[int, dict[str, Any]] = {int(number): dict(values) for number, values in saved["state"].items()}
    for name, tensor in under("optimizer.", tensors).items():
        number, key = name.split(".", 1)
        state.setdefault(int(number), {})[key] = tensor
    groups = [
        {name: tuple(value) if isinstance(own[name], tuple) else value for name, value in group.items()}
        for group, own in zip(saved["param_groups"], trainer.optimizer.param_groups, strict=True)
    ]
    return {"state": state, "param_groups": groups}


def _misfit(path: str | Path, error: Exception) -> CheckpointError:
    told = f"{type(error).__name__}: {error}" if isinstance(error, LookupError) else str(error)
    return CheckpointError(f"load_checkpoint: {path} does not fit this run: {told}")
