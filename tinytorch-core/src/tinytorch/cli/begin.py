"""Beginning a training: a new run, or the one in a checkpoint; what cannot be is told before it takes long."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tinytorch.cli.output import CommandError
from tinytorch.recipes import Recipe, Run, find, prepare, resume
from tinytorch.recipes.run import read_notes

ENDINGS = {".npz", ".safetensors"}


def begin(
    recipe: str | None, resumed: Path | None, epochs: int | None, asked: dict[str, Any], options: dict[str, Any]
) -> Run:
    """Make the run: a new one, or the one in a checkpoint, of which the command line may repeat what it is."""
    if resumed is not None:
        _check_same(resumed, recipe, asked)
        return resume(resumed, epochs=epochs, **options)
    return prepare(_find(recipe), **{**asked, "seed": asked["seed"] or 0}, epochs=epochs, **options)


def _find(name: str | None) -> Recipe:
    if name is None:
        raise CommandError("which recipe? `tinytorch recipes` shows them")
    try:
        return find(name)
    except ValueError as error:
        raise CommandError(str(error)) from error


def check_place(path: Path | None) -> None:
    """Raise CommandError for a checkpoint that could not be written, before a long training finds out."""
    if path is None:
        return
    if path.suffix not in ENDINGS:
        raise CommandError(f"a checkpoint's name ends in .npz or .safetensors, got {path}")
    if not path.parent.is_dir():
        raise CommandError(f"there is no folder {path.parent} to keep the checkpoint in")
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise CommandError(f"no checkpoint can be written to {path}")


def _check_same(path: Path, recipe: str | None, asked: dict[str, Any]) -> None:
    """Raise CommandError where the command line and the checkpoint say different things."""
    noted_recipe, settings, _ = read_notes(path)
    noted = {"recipe": noted_recipe.name, **{name: getattr(settings, name) for name in asked}}
    for name, value in {"recipe": recipe, **asked}.items():
        if value is not None and value != noted[name]:
            word = name.replace("_", "-")
            raise CommandError(f"{path} is of a run with {word} {noted[name]}, not {value}; only --epochs may change")
