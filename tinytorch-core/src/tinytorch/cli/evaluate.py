"""`tinytorch eval CHECKPOINT`: test what a checkpoint holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinytorch.cli.choice import PluginsOption, chosen
from tinytorch.cli.options import DataOption
from tinytorch.cli.output import percent, print_json, quiet, say, show_facts
from tinytorch.recipes import load_model
from tinytorch.transforming import applied


def evaluate(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="A file that `tinytorch train` wrote, or a plugin's command.")
    ],
    plugin_names: PluginsOption = None,
    data: DataOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Test a checkpoint on what was held out.

    The file says which recipe it is of. It is trusted in nothing: what is damaged or does not fit is refused.
    """
    with quiet(as_json), chosen(plugin_names) as active:
        saved = load_model(checkpoint, data)
        tested = saved.evaluate()
    name, held_out = saved.recipe.name, saved.recipe.held_out
    transforms = [each.name for each in applied(saved.model)]
    if as_json:
        told = {"recipe": name, "checkpoint": str(checkpoint), "epoch": saved.epoch, "transforms": transforms}
        print_json({**told, **{f"{held_out}_{key}": value for key, value in tested.items()}, "plugins": [*active]})
        return
    say(f"{checkpoint}: {name}, seed {saved.settings.seed}, {_history(saved.epoch, transforms)}")
    show_facts(
        {
            f"{held_out} accuracy": percent(tested["accuracy"]),
            f"{held_out} loss": f"{tested['loss']:.4f}",
            "plugins": ", ".join(active) or "none, the core alone",
        }
    )


def _history(epoch: int, transforms: list[str]) -> str:
    return ", then ".join([f"after {epoch} epochs", *transforms])
