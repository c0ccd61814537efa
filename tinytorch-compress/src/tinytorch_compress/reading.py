"""Recipes for `tinytorch compress`: a TOML file with the steps of a pipeline.

    plugins = ["quant"]          # besides those that are enabled

    [[step]]
    transform = "prune"
    sparsity = 0.9               # options of the transform, by name
    epochs = 10                  # of training after it
    lr = 1e-3

What is read is not trusted: whatever is wrong is one ValueError.
"""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

from tinytorch_compress.pipeline import Step

OWN = {each.name for each in fields(Step)} - {"transform", "options"}  # keys that are no options of the transform


def read_recipe(path: Path) -> tuple[list[str], list[Step]]:
    """Return the plugins that a recipe names, and its steps; raises ValueError for a file that is none."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read the recipe {path}: {getattr(error, 'strerror', None) or error}") from error
    unknown = [*content.keys() - {"plugins", "step"}]
    names, steps = content.get("plugins", []), content.get("step")
    if unknown or not _are(str, names) or not _are(dict, steps) or not steps:
        raise ValueError(f"{path}: expected [[step]] tables and plugins = [names], got {', '.join(content) or '-'}")
    return names, [_step(path, number, step) for number, step in enumerate(steps, 1)]


def _are(kind: type, values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, kind) for value in values)


def _step(path: Path, number: int, table: dict[str, Any]) -> Step:
    own = {name: value for name, value in table.items() if name in OWN}
    options = {name: value for name, value in table.items() if name not in {*OWN, "transform"}}
    try:
        return Step(table.get("transform", ""), options, **own)
    except ValueError as error:
        raise ValueError(f"{path}, step {number}: {error}") from error
