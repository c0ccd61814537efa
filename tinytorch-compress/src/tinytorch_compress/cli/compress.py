"""`tinytorch compress CHECKPOINT --recipe FILE`: transforms one after the other, and what each did."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinytorch.cli.options import DataOption
from tinytorch.cli.output import CommandError, print_json, quiet
from tinytorch_compress.cli.running import check_out, compressed, show, told, written
from tinytorch_compress.reading import read_recipe

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def compress(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="What `tinytorch train` wrote, or one of these commands.")
    ],
    recipe: Annotated[Path, typer.Option("--recipe", metavar="FILE", help="The steps, in TOML.")],
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where the model goes: .npz is deflated.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the training that steps ask for.")] = 0,
    data: DataOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")] = False,
) -> None:
    """Change a model by the steps of a recipe; after each, test it on what was held out and weigh it on the disk.

    A step names a transform of any enabled plugin, with its options, and for how many epochs the model is trained on.
    """
    with quiet(as_json):
        check_out(out)
        try:
            names, steps = read_recipe(recipe)
        except ValueError as error:
            raise CommandError(str(error)) from error
        saved, stages = compressed(checkpoint, data, names, steps, seed)
        written(saved, out)
    print_json(told(saved, stages, out)) if as_json else show(saved, stages, out)
