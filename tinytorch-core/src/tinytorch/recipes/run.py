"""Run: a recipe with its settings, ready to be trained, evaluated, killed and resumed.

The settings travel in the checkpoint's notes, so that a file alone says how to go on.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tinytorch.core.dataloader import DataLoader
from tinytorch.core.tensor.random import manual_seed
from tinytorch.core.training import Trainer, notes_of
from tinytorch.recipes.book import find
from tinytorch.recipes.recipe import Recipe
from tinytorch.serialization import CheckpointError

EVALUATION_BATCH = 256  # no gradients are kept, so that more fits; the results do not depend on it beyond rounding


@dataclass(frozen=True)
class Settings:
    """What a person may choose about a run."""

    seed: int
    epochs: int
    batch_size: int
    lr: float


@dataclass(frozen=True)
class Run:
    """A recipe with everything made that it needs."""

    recipe: Recipe
    settings: Settings
    trainer: Trainer
    train_batches: DataLoader
    test_batches: DataLoader

    def fit(self) -> list[dict[str, float]]:
        """Train up to the settings' epochs and return the history."""
        return self.trainer.fit(self.train_batches, self.settings.epochs)

    def evaluate(self) -> dict[str, float]:
        """Return loss and accuracy on what was held out."""
        return self.trainer.evaluate(self.test_batches)

    def sample(self) -> str | None:
        """Return something that the model makes as it is now, if the recipe's can."""
        made = self.recipe.sample
        return None if made is None else made(self.trainer.model, self.train_batches.dataset)


def prepare(
    recipe: Recipe,
    *,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    data: Path | None = None,
    **options: Any,
) -> Run:
    """Make a run; what is None is the recipe's default, `data` is the file or folder that it reads.

    >>> from tinytorch import recipes
    >>> run = recipes.prepare(recipes.find("xor"), epochs=100)
    >>> history = run.fit()
    >>> run.evaluate()["accuracy"]
    1.0
    """
    settings = Settings(
        seed,
        recipe.epochs if epochs is None else epochs,
        recipe.batch_size if batch_size is None else batch_size,
        float(recipe.lr if lr is None else lr),
    )
    return _make(recipe, settings, data, options)


def resume(
    path: str | Path,
    *,
    epochs: int | None = None,
    data: Path | None = None,
    **options: Any,
) -> Run:
    """Make the run that a checkpoint is of, and bring it there; `epochs` may be more, or fewer, than were planned.

    The data is read from where it was, or from `data` if it has moved. Raises CheckpointError for a file that is none,
    is of no recipe here, or was trained on other data.
    """
    recipe, settings, notes = read_notes(path)
    source = noted_data(notes, path) if data is None else data
    run = _make(recipe, settings if epochs is None else replace(settings, epochs=epochs), source, options)
    check_data(recipe, run.train_batches.dataset, notes, path, source)
    run.trainer.load_checkpoint(path)
    return run


def read_notes(path: str | Path) -> tuple[Recipe, Settings, dict[str, Any]]:
    """Return what a checkpoint says it is: a recipe, its settings, and all the notes."""
    notes = notes_of(path)
    return noted_recipe(notes, path), noted_settings(notes, path), notes


def noted_recipe(notes: dict[str, Any], path: str | Path) -> Recipe:
    """Return the recipe that a file's notes name; raise CheckpointError for none."""
    if not isinstance(notes.get("recipe"), str):
        raise CheckpointError(f"{path} does not say which recipe it is of: it was not written by one")
    try:
        return find(notes["recipe"])
    except ValueError as error:
        raise CheckpointError(f"{path} is of a recipe that is not here: {error}") from error


def noted_settings(notes: dict[str, Any], path: str | Path) -> Settings:
    """Return the settings of a file's notes; raise CheckpointError for those that cannot be."""
    least = {"seed": 0, "epochs": 0, "batch_size": 1}
    told: dict[str, Any] = {name: notes.get(name) for name in (*least, "lr")}
    whole = all(type(told[name]) is int and told[name] >= low for name, low in least.items())
    if not whole or type(told["lr"]) is not float or not (math.isfinite(told["lr"]) and told["lr"] >= 0):
        raise CheckpointError(f"{path} notes settings that cannot be: {told}")
    return Settings(**told)


def noted_data(notes: dict[str, Any], path: str | Path) -> Path | None:
    """Return where a file's notes say that its data was; None for built-in data."""
    noted = notes.get("data")
    if noted is not None and not isinstance(noted, str):
        raise CheckpointError(f"{path} notes data that cannot be: {noted!r}")
    return None if noted is None else Path(noted)


def check_data(recipe: Recipe, train: Any, notes: dict[str, Any], path: str | Path, source: Path | None) -> None:
    """Raise CheckpointError where the data read from a source is not what a file's notes say of it."""
    for name, value in recipe.note(train).items():
        if notes.get(name) != value:
            raise CheckpointError(
                f"{path} is of a run on other data than {source or 'the built-in'}: its {name} differs"
            )


def _make(recipe: Recipe, settings: Settings, data: Path | None, options: dict[str, Any]) -> Run:
    train, test = recipe.load_data(data)
    manual_seed(settings.seed)
    model = recipe.make_model(train)
    batches = DataLoader(train, settings.batch_size, shuffle=True)
    optimizer = recipe.make_optimizer(model.parameters(), settings.lr)
    moves = settings.epochs * (len(batches) if recipe.scheduler_interval == "step" else 1)
    trainer = Trainer(
        model,
        optimizer,
        recipe.loss,
        scheduler=recipe.make_scheduler(optimizer, moves) if recipe.make_scheduler else None,
        scheduler_interval=recipe.scheduler_interval,
        metric=recipe.metric,
        notes=_notes(recipe, settings, data, train),
        **options,
    )
    return Run(recipe, settings, trainer, batches, DataLoader(test, EVALUATION_BATCH))


def _notes(recipe: Recipe, settings: Settings, data: Path | None, train: Any) -> dict[str, Any]:
    source = None if data is None else str(data.resolve())  # so that a run can be resumed from any folder
    return {"recipe": recipe.name, **asdict(settings), "data": source, **recipe.note(train)}
