"""A competition run: baseline and entry on the same machine, in the same rounds, in random order."""

from __future__ import annotations

import copy
import hashlib
import inspect
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from tinytorch import nn, no_grad, plugins, recipes
from tinytorch.transforming import applied, note
from tinytorch.types import Array
from tinytorch_bench import machine, noise
from tinytorch_bench.competition import scoring
from tinytorch_bench.competition.task import Task
from tinytorch_bench.models import nbytes, parameters
from tinytorch_bench.timing import Side, Taken, Timing, interleaved

KIND, VERSION = "tinytorch bench submission", 1
ROUNDS = 20
UNKNOWN = "unknown"  # the plugin of a transform that notes nothing
Progress = Callable[[Iterable[int]], Iterable[int]]


@dataclass(frozen=True)
class Entry:
    """What somebody enters with: plugins, transforms of the baseline with their options, or a model's file."""

    team: str
    title: str
    plugins: tuple[str, ...] = ()
    transforms: tuple[tuple[str, dict[str, Any]], ...] = ()
    file: Path | None = None

    def using(self) -> AbstractContextManager[Any]:
        """Give the block in which its plugins are in force."""
        return plugins.using(*self.plugins)


def compete(task: Task, entry: Entry, timing: Timing | None = None, progress: Progress = iter) -> dict[str, Any]:
    """Measure an entry beside the task's baseline, and give the submission."""
    check(entry)
    timing = timing or Timing(rounds=ROUNDS)
    disturbed = noise.warnings(timing.clock)
    with entry.using(), no_grad():
        model = _model(task, entry)
        facts = {**machine.facts(), "plugins": machine.in_force()}
        mine = _told(model, task, "baseline" if entry.file is None else "file")
    with plugins.using(), no_grad():
        baseline = _told(task.model, task, "baseline")
        difference = _difference(task, model, entry)
        taken = interleaved(_sides(task, model, entry), timing, progress)[0]
    submission = {
        "kind": KIND,
        "version": VERSION,
        "event": task.event.name,
        "track": task.event.track,
        "event_version": task.event.version,
        "team": entry.team,
        "title": entry.title,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": facts,
        "warnings": [*disturbed, *machine.thread_warnings(facts["threads"])],
        "energy": timing.meter.told or "processor packages, with all that runs on them",
        "baseline": baseline,
        "entry": mine,
        "difference": difference,
        "disciplines": [_discipline(name, taken, timing) for name in task.event.disciplines],
    }
    return finished(submission)


def check(entry: Entry) -> None:
    """Refuse what cannot enter, with ValueError: to be asked before a baseline is trained for it."""
    with entry.using():
        known = plugins.transforms() if entry.transforms else {}
    for name, _ in entry.transforms:
        if name not in known:
            raise ValueError(
                f"there is no transform '{name}' in the entry's plugins; there are {', '.join(known) or 'none'}"
            )
    if entry.file is not None:
        recipes.load_model(entry.file)


def finished(submission: Mapping[str, Any]) -> dict[str, Any]:
    """Add what follows from a submission's measurements, and the digest."""
    whole = {**submission, "derived": scoring.derived(submission)}
    return {**whole, "digest": scoring.digest(whole)}


def _model(task: Task, entry: Entry) -> nn.Module:
    """The entry's model, from its file or from a copy of the baseline."""
    model: nn.Module = copy.deepcopy(task.model) if entry.file is None else recipes.load_model(entry.file).model
    for name, options in entry.transforms:
        model = _transformed(task, model, name, plugins.transforms()[name], options)
    return model.eval()


def _transformed(
    task: Task, model: nn.Module, name: str, transform: Callable[..., Any], options: Mapping[str, Any]
) -> nn.Module:
    """Apply a transform; one that notes nothing by itself is noted here, so that the division sees it."""
    before = applied(model)
    wants = "calibration" in inspect.signature(transform).parameters and "calibration" not in options
    try:
        made: nn.Module = transform(model, **options, **({"calibration": task.examples()} if wants else {}))
    except (TypeError, ValueError) as error:
        raise ValueError(f"the transform '{name}' cannot be applied: {error}") from error
    if applied(made) == before:
        note(made, UNKNOWN, name, {}, origin=model)
    return made


def _sides(task: Task, model: nn.Module, entry: Entry) -> dict[str, Side]:
    baseline = {f"baseline {name}": Side(call, plugins.using) for name, call in task.calls(task.model).items()}
    return {**baseline, **{f"entry {name}": Side(call, entry.using) for name, call in task.calls(model).items()}}


def _difference(task: Task, model: nn.Module, entry: Entry) -> float:
    """The largest difference of what the disciplines give, relative to the largest number; 1 for other tokens."""
    expected = [_array(call()) for call in task.calls(task.model).values()]
    with entry.using():
        found = [_array(call()) for call in task.calls(model).values()]
    return max(_relative(mine, its) for mine, its in zip(found, expected, strict=True))


def _array(outputs: Any) -> Array:
    parts = outputs if isinstance(outputs, list) else [outputs]
    return np.concatenate([part.numpy() for part in parts])


def _relative(found: Array, expected: Array) -> float:
    if found.shape != expected.shape or not np.isfinite(found).all():
        return 1.0
    if expected.dtype.kind == "i":
        return float(not np.array_equal(found, expected))
    return min(float(np.abs(found - expected).max() / np.abs(expected).max()), 1.0)


def _told(model: nn.Module, task: Task, origin: str) -> dict[str, Any]:
    """What is said of a model."""
    return {
        "origin": origin,
        "bytes": nbytes(model),
        "parameters": parameters(model),
        "correct": task.correct(model),
        "applied": [
            {"plugin": each.plugin, "name": each.name, "structure": _hashed(each.structure)} for each in applied(model)
        ],
    }


def _hashed(structure: Any) -> str:
    return hashlib.sha256(json.dumps(structure, sort_keys=True).encode()).hexdigest()


def _discipline(name: str, taken: Mapping[str, Taken], timing: Timing) -> dict[str, Any]:
    sides = [taken[f"{side} {name}"] for side in ("baseline", "entry")]
    joules = [side.joules / side.calls for side in sides] if timing.meter.counters else None
    return {"name": name, "baseline": sides[0].seconds, "entry": sides[1].seconds, "joules": joules}


def options_of(texts: Sequence[str]) -> dict[str, Any]:
    """Read `name=value` texts, values as JSON has them, or else as texts.

    >>> options_of(["bits=8", "scheme=affine"])
    {'bits': 8, 'scheme': 'affine'}
    """
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise ValueError(f"expected name=value, got {text!r}")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found
