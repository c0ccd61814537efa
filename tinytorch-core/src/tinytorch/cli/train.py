"""`tinytorch train RECIPE`: train, show how it goes, and end with what came out."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Annotated, Any

import typer

import tinytorch
from tinytorch import plugins
from tinytorch.cli.choice import PluginsOption, chosen
from tinytorch.cli.display import Display
from tinytorch.cli.interruption import Interruption
from tinytorch.cli.output import (
    CommandError,
    complain,
    console,
    duration,
    percent,
    print_json,
    quiet,
    say,
)
from tinytorch.recipes import Recipe, Run, find, prepare, resume
from tinytorch.recipes.run import read_notes

INTERRUPTED = 130
ENDINGS = {".npz", ".safetensors"}


def train(
    recipe: Annotated[str | None, typer.Argument(metavar="RECIPE", help="See `tinytorch recipes`.")] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="The same seed gives the same bits; 0 if left out.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(metavar="N", min=0, help="How often the data is gone through.")] = None,
    batch_size: Annotated[int | None, typer.Option(metavar="N", min=1, help="Samples for one step.")] = None,
    lr: Annotated[
        float | None, typer.Option(metavar="RATE", min=0.0, max=1000, help="The learning rate at the start.")
    ] = None,
    plugin_names: PluginsOption = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help="Keep the run in this file (.npz or .safetensors), rewritten after each epoch."
        ),
    ] = None,
    resumed: Annotated[
        Path | None,
        typer.Option(
            "--resume", metavar="PATH", help="Go on with the run in this file, to the same bits, and keep it there."
        ),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where the data is, for recipes that read it from files.")
    ] = None,
    detect_anomaly: Annotated[
        bool,
        typer.Option("--detect-anomaly", help="Stop at the first nan or inf and name the op and the line; slower."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object at the end, and nothing else.")
    ] = False,
) -> int:
    r"""Train a recipe and test it on what was held out.

    What is left out is the recipe's default. Ctrl-C stops after the batch, saves the checkpoint, and says how to go on.

    \b
    tinytorch train digits-cnn
    tinytorch train digits-cnn --seed 1 --checkpoint run.npz
    tinytorch train --resume run.npz
    tinytorch train xor --plugins accel --json
    """
    if lr is not None and math.isnan(lr):  # which is neither too small nor too large
        raise typer.BadParameter("expected a number for '--lr', got nan")
    path = checkpoint or resumed
    _check_place(path)
    interruption = Interruption()
    options: dict[str, Any] = {"checkpoint": path, "detect_anomaly": detect_anomaly, "folder": data}
    with quiet(as_json), chosen(plugin_names) as active:
        run = _begin(recipe, resumed, epochs, {"seed": seed, "batch_size": batch_size, "lr": lr}, options)
        display = Display(run.settings.epochs, len(run.train_batches), _progress_console(as_json))
        run.trainer.callbacks += [display, interruption]
        try:
            with interruption.watching():
                run.fit()
        except KeyboardInterrupt:
            complain(_stopped(run, path, clean=interruption.clean))
            return INTERRUPTED
        result = _result(run, display, active, path)
    if as_json:
        print_json(result)
    else:
        _summarize(result)
    return 0


def _begin(
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


def _check_place(path: Path | None) -> None:
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
    noted_recipe, settings = read_notes(path)
    noted = {"recipe": noted_recipe.name, **{name: getattr(settings, name) for name in asked}}
    for name, value in {"recipe": recipe, **asked}.items():
        if value is not None and value != noted[name]:
            word = name.replace("_", "-")
            raise CommandError(f"{path} is of a run with {word} {noted[name]}, not {value}; only --epochs may change")


def _progress_console(as_json: bool) -> Any:
    """Show progress on standard output; with JSON on standard error, if somebody watches it."""
    out = console(stderr=as_json)
    return out if out.is_terminal or not as_json else None


def _stopped(run: Run, path: Path | None, *, clean: bool) -> str:
    """Save what is whole, and say in one sentence where the run stands."""
    trainer = run.trainer
    where = f"stopped in epoch {trainer.epoch + 1} after batch {trainer.batch} of {len(run.train_batches)}"
    if path is None:
        return f"{where}; nothing is kept without --checkpoint"
    if clean:
        trainer.save_checkpoint(path)
    if not path.exists():
        return f"{where}; no checkpoint had been written yet"
    return f"{where}; go on with: tinytorch train --resume {path}"


def _result(run: Run, display: Display, active: tuple[str, ...], path: Path | None) -> dict[str, Any]:
    tested = run.evaluate()
    history = run.trainer.history
    return {
        "tinytorch": tinytorch.__version__,
        "recipe": run.recipe.name,
        "seed": run.settings.seed,
        "epochs": run.settings.epochs,
        "batch_size": run.settings.batch_size,
        "lr": run.settings.lr,
        "test_accuracy": tested["accuracy"],
        "test_loss": tested["loss"],
        "test_samples": len(run.test_batches.dataset),
        "train_loss": history[-1]["loss"] if history else None,
        "samples": display.samples,
        "seconds": display.seconds,
        "samples_per_second": display.rate,
        "plugins": [*active],
        "checkpoint": None if path is None else str(path),
        "history": history,
        "report": [
            {"title": title, "text": text} for sections in plugins.hook().report_sections() for title, text in sections
        ],
    }


def _summarize(result: dict[str, Any]) -> None:
    """Print what came out."""
    right = round(result["test_accuracy"] * result["test_samples"])
    say()
    say(f"test accuracy  {percent(result['test_accuracy'])} ({right} of {result['test_samples']} held out)")
    say(f"test loss      {result['test_loss']:.4f}")
    rate = f", {result['samples_per_second']:,.0f} samples/s" if result["samples"] else ""
    say(f"training       {result['samples']:,} samples in {duration(result['seconds'])}{rate}")
    say(f"plugins        {', '.join(result['plugins']) or 'none, the core alone'}")
    if result["checkpoint"]:
        say(f"checkpoint     {result['checkpoint']}")
    if result["train_loss"] is not None and math.isnan(result["train_loss"]):
        say("\nthe loss is nan: try a smaller --lr, or --detect-anomaly to see where it began")
    for section in result["report"]:
        say(f"\n{section['title']}\n{section['text']}")
