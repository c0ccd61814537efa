"""`tinytorch train RECIPE`: train, show how it goes, and end with what came out."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import typer

from tinytorch.cli.begin import begin, check_place
from tinytorch.cli.choice import PluginsOption, chosen
from tinytorch.cli.display import Display
from tinytorch.cli.interruption import Interruption
from tinytorch.cli.options import (
    AnomalyOption,
    BatchSizeOption,
    CheckpointOption,
    DataOption,
    EpochsOption,
    JsonOption,
    RateOption,
    RecipeArgument,
    ResumeOption,
    SeedOption,
)
from tinytorch.cli.outcome import result_of, stopped, summarize
from tinytorch.cli.output import complain, console, print_json, quiet
from tinytorch.recipes import Run

INTERRUPTED = 130


def train(
    recipe: RecipeArgument = None,
    seed: SeedOption = None,
    epochs: EpochsOption = None,
    batch_size: BatchSizeOption = None,
    lr: RateOption = None,
    plugin_names: PluginsOption = None,
    checkpoint: CheckpointOption = None,
    resumed: ResumeOption = None,
    data: DataOption = None,
    detect_anomaly: AnomalyOption = False,
    as_json: JsonOption = False,
) -> int:
    """Train a recipe and test it on what was held out.

    What is left out is the recipe's default. Ctrl-C stops after the batch, saves the checkpoint, and says how to go on.

    \b
    tinytorch train digits-cnn
    tinytorch train digits-cnn --seed 1 --checkpoint run.npz
    tinytorch train --resume run.npz
    tinytorch train xor --plugins accel --json
    """  # noqa: D301  the mark is click's: the lines below it stay lines
    if lr is not None and math.isnan(lr):  # which is neither too small nor too large
        raise typer.BadParameter("expected a number for '--lr', got nan")
    path = checkpoint or resumed
    check_place(path)
    asked = {"seed": seed, "batch_size": batch_size, "lr": lr}
    options: dict[str, Any] = {"checkpoint": path, "detect_anomaly": detect_anomaly, "data": data}
    with quiet(as_json), chosen(plugin_names) as active:
        run = begin(recipe, resumed, epochs, asked, options)
        display = Display(run, _progress_console(as_json))
        if not _fit(run, display, path):
            return INTERRUPTED
        result = result_of(run, display, active, path)
    print_json(result) if as_json else summarize(result, run.recipe)
    return 0


def _fit(run: Run, display: Display, path: Path | None) -> bool:
    """Train, and return whether to the end; at Ctrl-C save what there is and say how to go on."""
    interruption = Interruption()
    run.trainer.callbacks += [display, interruption]
    try:
        with interruption.watching():
            run.fit()
    except KeyboardInterrupt:
        complain(stopped(run, path, clean=interruption.clean))
        return False
    return True


def _progress_console(as_json: bool) -> Any:
    """Show progress on standard output; with JSON on standard error, if somebody watches it."""
    out = console(stderr=as_json)
    return out if out.is_terminal or not as_json else None
