"""`tinytorch eval CHECKPOINT`: test what a checkpoint holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinytorch.cli.choice import PluginsOption, chosen
from tinytorch.cli.options import DataOption
from tinytorch.cli.output import percent, print_json, quiet, say, show_facts
from tinytorch.recipes import resume


def evaluate(
    checkpoint: Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="A file that `tinytorch train` wrote.")],
    plugin_names: PluginsOption = None,
    data: DataOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Test a checkpoint on what was held out.

    The file says which recipe it is of. It is trusted in nothing: what is damaged or does not fit is refused.
    """
    with quiet(as_json), chosen(plugin_names) as active:
        run = resume(checkpoint, data=data)
        tested = run.evaluate()
    held_out = run.recipe.held_out
    if as_json:
        told = {"recipe": run.recipe.name, "checkpoint": str(checkpoint), "epoch": run.trainer.epoch}
        print_json({**told, **{f"{held_out}_{name}": value for name, value in tested.items()}, "plugins": [*active]})
        return
    say(f"{checkpoint}: {run.recipe.name}, seed {run.settings.seed}, after {run.trainer.epoch} epochs")
    show_facts(
        {
            f"{held_out} accuracy": percent(tested["accuracy"]),
            f"{held_out} loss": f"{tested['loss']:.4f}",
            "plugins": ", ".join(active) or "none, the core alone",
        }
    )
