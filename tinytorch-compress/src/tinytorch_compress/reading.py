"""Recipes for `tinytorch compress`: a TOML file with the steps of a pipeline.

    plugins = ["quant"]          # besides those that are enabled

    [[step]]
    transform = "prune"
    sparsity = 0.9               # options of the transform, by name
    epochs = 10                  # of training after it
    lr = 1e-3

What is read is not trusted: whatever is wrong is one CommandError.
"""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

from tinytorch.cli.output import CommandError
from tinytorch_compress.pipeline import Step

OWN = {each.name for each in fields(Step)} - {"transform", "options"}  # keys that are no options of the transform


def read_recipe(path: Path) -> tuple[list[str], list[Step]]:
    """Return the plugins that a recipe names, and its steps."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(f"cannot read the recipe {path}: {getattr(error, 'strerror', None) or error}") from error
    unknown = [*content.keys() - {"plugins", "step"}]
    names, steps = content.get("plugins", []), content.get("step")
    if unknown or not _are(str, names) or not _are(dict, steps) or not steps:
        raise CommandError(f"{path}: expected [[step]] tables and plugins = [names], got {', '.join(content) or '-'}")
    return names, [_step(path, number, step) for number, step in enumerate(steps, 1)]


def _are(kind: type, values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, kind) for value in values)


def _step(path: Path, number: int, table: dict[str, Any]) -> Step:
    own = {name: value for name, value in table.items() if name in OWN}
    options = {name: value for name, value in table.items() if name not in {*OWN, "transform"}}
    try:
        return checked(Step(table.get("transform", ""), options, **own))
    except ValueError as error:
        raise CommandError(f"{path}, step {number}: {error}") from error


def checked(step: Step) -> Step:
    """Return a step whose own values can be; raise ValueError for others."""
    if type(step.transform) is not str or not step.transform:
        raise ValueError(f"expected transform = a name, got {step.transform!r}")
    for name, least in (("epochs", 0), ("calibration_batches", 1)):
        value = getattr(step, name)
        if type(value) is not int or value < least:
            raise ValueError(f"expected {name} as a whole number of {least} or more, got {value!r}")
    if step.lr is not None and (type(step.lr) not in (int, float) or not 0 < step.lr < float("inf")):
        raise ValueError(f"expected lr as a number above 0, got {step.lr!r}")
    if type(step.gradual) is not bool:
        raise ValueError(f"expected gradual as true or false, got {step.gradual!r}")
    return step
