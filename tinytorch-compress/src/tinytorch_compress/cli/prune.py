"""`tinytorch prune CHECKPOINT --sparsity 0.8`: prune a model, train it on, and say what it is worth then."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tinytorch.cli.options import DataOption
from tinytorch.cli.output import CommandError, print_json, quiet
from tinytorch_compress.cli.running import check_out, compressed, show, told, written
from tinytorch_compress.pipeline import Step
from tinytorch_compress.reading import checked

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def prune(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="What `tinytorch train` wrote, or one of these commands.")
    ],
    sparsity: Annotated[
        float | None, typer.Option(metavar="SHARE", help="How much of the weights goes, below 1.")
    ] = None,
    pattern: Annotated[str | None, typer.Option(metavar="N:M", help="Keep n of every m inputs instead.")] = None,
    scope: Annotated[str, typer.Option(help="Compare weights over all layers, or in each: global, layer.")] = "global",
    method: Annotated[str, typer.Option(help="Which go first: magnitude, random.")] = "magnitude",
    ignore: Annotated[
        list[str] | None, typer.Option(metavar="LAYER", help="A layer to leave whole; repeatable.")
    ] = None,
    epochs: Annotated[
        int, typer.Option(min=0, help="Train on for so long, and prune gradually in its first half.")
    ] = 0,
    lr: Annotated[float | None, typer.Option(help="The learning rate of that; the recipe's if not said.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where the model goes: .npz is deflated.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the training and of random choices.")] = 0,
    data: DataOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")] = False,
) -> None:
    """Prune the weights of a model, the smallest first, and test it on what was held out before and after.

    \b
    tinytorch prune run.npz --sparsity 0.9 --epochs 10 --lr 1e-3 --out small.npz
    tinytorch prune run.npz --pattern 2:4 --ignore 0
    """  # noqa: D301  the mark is click's: the lines below it stay lines
    options: dict[str, Any] = {"scope": scope, "ignored": ignore or []}
    options |= {"method": method} if method != "magnitude" else {}
    options |= {"sparsity": sparsity} if sparsity is not None else {}
    options |= {"pattern": pattern} if pattern is not None else {}
    with quiet(as_json):
        check_out(out)
        try:
            step = checked(Step("prune", options, epochs, lr, gradual=method == "magnitude"))
        except ValueError as error:
            raise CommandError(f"prune: {error}") from error
        saved, stages = compressed(checkpoint, data, [], [step], seed)
        written(saved, out)
    print_json(told(saved, stages, out)) if as_json else show(saved, stages, out)
