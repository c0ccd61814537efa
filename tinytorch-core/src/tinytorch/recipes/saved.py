"""Saved models of recipes: a model in a file, whatever transforms have made of it, with the data to test it on.

A checkpoint of a training is read as one, too. What is written is only the model: no optimizer, no progress.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tinytorch.core.dataloader import DataLoader
from tinytorch.core.module import Module
from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.random import Generator, drawing_from
from tinytorch.core.training import Trainer, evaluate
from tinytorch.core.training.checkpoint import read_run, under
from tinytorch.plugins import PluginError
from tinytorch.recipes.recipe import Recipe
from tinytorch.recipes.run import EVALUATION_BATCH, Settings, check_data, noted_data, noted_recipe, noted_settings
from tinytorch.serialization import CheckpointError, load_with_metadata, save
from tinytorch.transforming import noted, restructured

KIND = "tinytorch model"


@dataclass(frozen=True)
class SavedModel:
    """A model with what its recipe says of it."""

    recipe: Recipe
    settings: Settings
    notes: dict[str, Any]
    epoch: int  # after how many it was saved
    model: Module
    train_batches: DataLoader
    test_batches: DataLoader

    def evaluate(self) -> dict[str, float]:
        """Return loss and metric on what was held out."""
        return evaluate(self.model, self.test_batches, self.recipe.loss, self.recipe.metric)

    def trainer(self, epochs: int, lr: float | None = None, **options: Any) -> Trainer:
        """Make what trains this model on as its recipe does, for so many epochs, from the recipe's rate or another.

        `options` are the Trainer's.
        """
        optimizer = self.recipe.make_optimizer(self.model.parameters(), self.settings.lr if lr is None else lr)
        moves = epochs * (len(self.train_batches) if self.recipe.scheduler_interval == "step" else 1)
        make_scheduler = self.recipe.make_scheduler
        options.setdefault("scheduler", make_scheduler(optimizer, moves) if make_scheduler else None)
        options.setdefault("scheduler_interval", self.recipe.scheduler_interval)
        return Trainer(self.model, optimizer, self.recipe.loss, metric=self.recipe.metric, **options)

    def having(self, model: Module) -> SavedModel:
        """Return the same with another model, which was made from this one."""
        return replace(self, model=model)


def save_model(saved: SavedModel, path: str | Path, *, compress: bool = False) -> None:
    """Write a model with what was applied to it; `.npz`, deflated if `compress`, or `.safetensors`; atomically.

    Raises ValueError for a model whose state is not what its recipe and those transforms give: nobody could read it.
    """
    _check_told(saved)
    metadata = {"kind": KIND, "notes": saved.notes, "epoch": saved.epoch, "transforms": noted(saved.model)}
    state = {f"model.{name}": tensor for name, tensor in saved.model.state_dict().items()}
    save(state, path, metadata, compress=compress)


def load_model(path: str | Path, data: Path | None = None) -> SavedModel:
    """Read what `save_model` or a training wrote, in evaluation mode; its data is where it was, or at `data`.

    Raises CheckpointError for a file that is neither, is damaged or is of other data, PluginError where a plugin is
    missing whose transform was applied.
    """
    state, metadata = _read(path)
    notes, epoch = metadata.get("notes"), metadata.get("epoch")
    if not isinstance(notes, dict) or type(epoch) is not int or epoch < 0:
        raise CheckpointError(f"load_model: {path} is damaged: it does not say what it is a model of")
    recipe, settings = noted_recipe(notes, path), noted_settings(notes, path)
    source = noted_data(notes, path) if data is None else data
    train, test = recipe.load_data(source)
    check_data(recipe, train, notes, path, source)
    model = _model(recipe, train, state, metadata.get("transforms"), path)
    batches = DataLoader(train, settings.batch_size, shuffle=True), DataLoader(test, EVALUATION_BATCH)
    return SavedModel(recipe, settings, notes, epoch, model.eval(), *batches)


def _check_told(saved: SavedModel) -> None:
    """Raise ValueError where the file would not say how to make the model."""
    try:
        with drawing_from(Generator()):  # the weights are thrown away, and move no stream
            fresh = restructured(saved.recipe.make_model(saved.train_batches.dataset), noted(saved.model))
    except PluginError:  # of a transform: without its plugin nobody can tell
        return
    own, told = (_shapes(model) for model in (saved.model, fresh))
    if own != told:
        name = min(key for key in own.keys() | told.keys() if own.get(key) != told.get(key))
        raise ValueError(
            f"save_model: '{name}' is {own.get(name, 'not in the model')}, and "
            f"{told.get(name, 'not there')} by recipe '{saved.recipe.name}' and the transforms noted on the model; "
            f"make masks of single layers permanent first"
        )


def _shapes(model: Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def _read(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The model's tensors by name, and what is said of it."""
    tensors, metadata = load_with_metadata(path)
    if metadata.get("kind") != KIND:  # then it can only be a training's
        tensors, metadata = read_run(path)
        told = {name: metadata[name] for name in ("notes", "transforms")}
        metadata = {**told, "epoch": metadata["progress"].get("epoch")}
    return under("model.", tensors), metadata


def _model(recipe: Recipe, train: Any, state: dict[str, Tensor], transforms: Any, path: str | Path) -> Module:
    """The recipe's model with the file's structure and numbers."""
    try:
        model = restructured(recipe.make_model(train), transforms)
        model.load_state_dict(state)
    except PluginError:
        raise
    except (ValueError, TypeError, RuntimeError) as error:
        raise CheckpointError(f"load_model: {path} does not fit recipe '{recipe.name}': {error}") from error
    return model
