"""Fitting: whether what a checkpoint holds can be this run's, asked before anything is changed.

Nothing in a file is trusted: not that a count is a whole number, not that the tensors are those of this model, not that
the optimizer is of the same kind. Every check raises ValueError with half a sentence.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.random import Generator
from tinytorch.core.training.callbacks import Callback

if TYPE_CHECKING:
    from tinytorch.core.training.trainer import Trainer

PROGRESS = ("epoch", "batch", "step", "totals", "history", "epoch_random", "should_stop")
PARTS = ("format", "notes", "transforms", "tensors", "progress", "random", "optimizer", "scheduler", "callbacks")
LARGEST = 2**53  # whole numbers up to here are exact as floats too


def check_file(tensors: dict[str, Tensor], metadata: dict[str, Any]) -> None:
    """Check what must hold for a checkpoint of any run: its parts are there, and the tensors that it lists."""
    _same_names("a checkpoint", metadata, PARTS)
    _expect(isinstance(metadata["notes"], dict), "its notes", "a mapping", metadata["notes"])
    _expect(isinstance(metadata["transforms"], list), "its transforms", "a list", metadata["transforms"])
    listed = metadata["tensors"]
    _expect(isinstance(listed, list) and all(type(name) is str for name in listed), "its tensors", "names", listed)
    _same_names("its list of tensors", tensors, listed)


def check_fits(trainer: Trainer, tensors: dict[str, Tensor], metadata: dict[str, Any], now: Any) -> None:
    """Check that everything can be taken over by this run, whose own content is `now`."""
    _check_model(tensors, now[0])
    for part in ("optimizer", "scheduler"):
        _check_kind(part, metadata[part], now[1][part])
    _check_optimizer(trainer, metadata["optimizer"], now[1]["optimizer"])
    _check_others(trainer, tensors)
    _check_schedule(metadata["scheduler"], now[1]["scheduler"])
    _check_callbacks(metadata["callbacks"], now[1]["callbacks"])
    _check_progress(metadata["progress"])
    _check_random(metadata["random"], metadata["progress"]["epoch_random"])


def stateful(trainer: Trainer) -> list[Callback]:
    """Return the callbacks whose kind defines a state, even if it is empty; the others may differ from run to run."""
    return [callback for callback in trainer.callbacks if type(callback).state_dict is not Callback.state_dict]


def _check_model(tensors: dict[str, Tensor], own: dict[str, Tensor]) -> None:
    saved = [name for name in tensors if name.startswith("model.")]
    _same_names("the model", saved, [name for name in own if name.startswith("model.")])
    for name in saved:
        _same_kind(name, tensors[name], own[name])


def _check_others(trainer: Trainer, tensors: dict[str, Tensor]) -> None:
    """Check that each gradient and each tensor of the optimizer's belongs to a parameter and looks like it."""
    likes = {f"grad.{name}": parameter for name, parameter in trainer.model.named_parameters()}
    every = [parameter for group in trainer.optimizer.param_groups for parameter in group["params"]]
    for name, tensor in tensors.items():
        part, _, rest = name.partition(".")
        if part == "optimizer":
            number, _, key = rest.partition(".")
            if key and number in map(str, range(len(every))):
                likes[name] = every[int(number)]
        if part != "model":
            _expect(name in likes, "every tensor", "one that belongs to a parameter", name)
            _same_kind(name, tensor, likes[name])


def _check_optimizer(trainer: Trainer, saved: Any, own: dict[str, Any]) -> None:
    _same_names("the optimizer", saved, own)
    groups = saved["param_groups"]
    fits = isinstance(groups, list) and len(groups) == len(own["param_groups"])
    _expect(fits, "the optimizer", f"{len(own['param_groups'])} groups of parameters", groups)
    for number, (group, like) in enumerate(zip(groups, own["param_groups"], strict=True)):
        _check_like(f"the optimizer's group {number}", group, like)
        _expect(group["params"] == like["params"], "its parameters", str(like["params"]), group["params"])
        trainer.optimizer.check_group({**like, **group})
    _expect(isinstance(saved["state"], dict), "the optimizer's state", "a mapping", saved["state"])
    count = sum(len(group["params"]) for group in groups)
    for number, values in saved["state"].items():
        _expect(number in map(str, range(count)), "the optimizer's state", "numbers of parameters", number)
        whole = isinstance(values, dict) and all(_is_number(value) for value in values.values())
        _expect(whole, f"the optimizer's state of parameter {number}", "numbers", values)


def _check_schedule(saved: Any, own: Any) -> None:
    if own is not None:
        _check_like("the scheduler's state", saved["state"], own["state"])
        steps = saved["state"].get("last_epoch", 0)
        _expect(_is_count(steps), "'last_epoch' of the scheduler's state", "a whole number, 0 or more", steps)


def _check_kind(part: str, saved: Any, own: dict[str, Any] | None) -> None:
    named = saved is None or (isinstance(saved, dict) and {"kind", "state"} <= {*saved})
    _expect(named, f"its {part}", "a kind and a state", saved)
    there, here = ("none" if each is None else each["kind"] for each in (saved, own))
    if there != here:
        raise ValueError(f"its {part} is {there!r}, this run's is {here!r}")


def _check_callbacks(saved: Any, own: list[dict[str, Any]]) -> None:
    _expect(isinstance(saved, list) and len(saved) == len(own), "its callbacks", f"{len(own)} with a state", saved)
    for there, here in zip(saved, own, strict=True):
        _check_kind("callback", there, here)
        _expect(isinstance(there["state"], dict), f"the state of {here['kind']}", "a mapping", there["state"])


def _check_progress(progress: Any) -> None:
    _same_names("its progress", progress, PROGRESS)
    for name in ("epoch", "batch", "step"):
        _expect(_is_count(progress[name]), name, "a whole number, 0 or more", progress[name])
    _same_names("its totals", progress["totals"], ("loss", "metric", "rows"))
    for name, total in progress["totals"].items():
        _expect(type(total) in {int, float}, f"the total of {name}", "a number", total)
    rows = progress["totals"]["rows"]
    _expect(0 <= rows <= LARGEST, "the total of rows", "a number, 0 or more", rows)
    history = progress["history"]
    one_each = isinstance(history, list) and len(history) == progress["epoch"]
    _expect(one_each, "its history", f"an entry for each of {progress['epoch']} epochs", history)
    for entry in history:
        named = isinstance(entry, dict) and all(type(value) in {int, float} for value in entry.values())
        _expect(named, "its history", "numbers by name", entry)
    _expect(type(progress["should_stop"]) is bool, "should_stop", "true or false", progress["should_stop"])


def _check_random(now: Any, begun: Any) -> None:
    """Check where the streams stand, and where they stood when the epoch began: the process's, then the batches'."""
    for name, states in (("random", now), ("epoch_random", begun)):
        fits = isinstance(states, list) and len(states) > 0 and all(map(_is_state, states))
        _expect(fits, f"'{name}'", "states of random generators", states)
    _expect(len(now) == len(begun), "'random'", f"{len(begun)} states, as in 'epoch_random'", now)


def _is_state(state: Any) -> bool:
    """Try the state on a generator of its own."""
    probe = Generator()
    try:
        probe.set_state(state)
        return probe.get_state() == state
    except Exception:  # noqa: BLE001  numpy raises what it likes
        return False


def _check_like(what: str, saved: Any, own: Any) -> None:
    """Check that JSON has the form of what is there now: the same names, a number for a number, and so on."""
    if isinstance(own, dict):
        _same_names(what, saved, own)
        for name, like in own.items():
            _check_like(f"'{name}' of {what}", saved[name], like)
    elif isinstance(own, (list, tuple)):
        _expect(isinstance(saved, list) and len(saved) == len(own), what, f"{len(own)} values", saved)
        for value, like in zip(saved, own, strict=True):
            _check_like(what, value, like)
    elif isinstance(own, bool) or not isinstance(own, (int, float)):
        _expect(type(saved) is type(own), what, type(own).__name__, saved)
    else:
        _expect(_is_number(saved), what, "a number", saved)


def _same_kind(name: str, tensor: Tensor, like: Tensor) -> None:
    if (tensor.shape, tensor.dtype) != (like.shape, like.dtype):
        there, here = f"{tensor.shape} {tensor.dtype}", f"{like.shape} {like.dtype}"
        raise ValueError(f"'{name}' is {there} there and {here} here")


def _same_names(what: str, found: Any, wanted: Collection[str]) -> None:
    """Check that these are the names and no others."""
    _expect(isinstance(found, (dict, list)), what, "parts by name", found)
    missing = [name for name in wanted if name not in found]
    unknown = [name for name in found if name not in wanted]
    if missing or unknown:
        told = [
            f"{word} {_some(names)}" for word, names in (("misses", missing), ("should not have", unknown)) if names
        ]
        raise ValueError(f"{what} {' and '.join(told)}")


def _some(names: list[Any]) -> str:
    shown = ", ".join(repr(name)[:60] for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def _expect(holds: bool, what: str, wanted: str, got: object) -> None:
    if not holds:
        told = repr(got)
        raise ValueError(f"expected {what} to be {wanted}, got {told if len(told) <= 60 else told[:57] + '...'}")


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= LARGEST


def _is_number(value: object) -> bool:
    if type(value) is int:
        return abs(value) <= LARGEST
    return type(value) is float and math.isfinite(value)
