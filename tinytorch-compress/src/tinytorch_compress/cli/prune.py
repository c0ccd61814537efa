"""`tinytorch prune CHECKPOINT --sparsity 0.8`: prune a model, train it on, and say what it is worth then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from tinytorch.cli.options import DataOption
from tinytorch.cli.output import CommandError, print_json, quiet
from tinytorch_compress.cli.running import check_out, compressed, show, told, written
from tinytorch_compress.pipeline import Step
from tinytorch_compress.sparsity import SCOPES

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def prune(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="What `tinytorch train` wrote, or one of these commands.")
    ],
    sparsity: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="How much of the weights goes, with --structured of each layer's channels."),
    ] = None,
    pattern: Annotated[str | None, typer.Option(metavar="N:M", help="Keep n of every m inputs instead.")] = None,
    structured: Annotated[
        bool, typer.Option("--structured", help="Remove whole channels, so that the model itself gets smaller.")
    ] = False,
    scope: Annotated[
        str | None, typer.Option(help="Compare over all layers or in each: global, layer; --structured: layer.")
    ] = None,
    method: Annotated[
        str, typer.Option(help="What goes first: magnitude, random; with --structured also l2, bn_scale.")
    ] = "magnitude",
    round_to: Annotated[
        int, typer.Option(min=1, help="With --structured: a multiple of so many channels is left.")
    ] = 1,
    ignore: Annotated[
        list[str] | None, typer.Option(metavar="LAYER", help="A layer to leave whole; repeatable.")
    ] = None,
    epochs: Annotated[
        int,
        typer.Option(min=0, help="Train on for so long; weights go by magnitude in its first half, otherwise before."),
    ] = 0,
    lr: Annotated[float | None, typer.Option(help="The learning rate of that; the recipe's if not said.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where the model goes: .npz is deflated.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the training and of random choices.")] = 0,
    data: DataOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")] = False,
) -> None:
    """Prune a model, the smallest weights or channels first, and test it on what was held out before and after.

    \b
    tinytorch prune run.npz --sparsity 0.9 --epochs 10 --lr 1e-3 --out small.npz
    tinytorch prune run.npz --pattern 2:4 --ignore 0
    tinytorch prune run.npz --sparsity 0.5 --structured --epochs 10
    """  # noqa: D301  the mark is click's: the lines below it stay lines
    with quiet(as_json):
        check_out(out)
        _check_used(structured=structured, round_to=round_to, epochs=epochs, lr=lr)
        asked = {"sparsity": sparsity, "pattern": pattern, "scope": scope, "ignored": ignore}
        options = {"method": method, **{name: value for name, value in asked.items() if value is not None}}
        step = _channels(options, round_to) if structured else Step("prune", options)
        try:
            wanted = replace(step, epochs=epochs, lr=lr)
        except ValueError as error:
            raise CommandError(str(error)) from error
        saved, stages = compressed(checkpoint, data, [], [wanted], seed)
        written(saved, out)
    print_json(told(saved, stages, out)) if as_json else show(saved, stages, out)


def _check_used(*, structured: bool, round_to: int, epochs: int, lr: float | None) -> None:
    """Raise CommandError for options that would do nothing."""
    if round_to != 1 and not structured:
        raise CommandError("prune: --round-to needs --structured")
    if lr is not None and not epochs:
        raise CommandError("prune: --lr needs --epochs")


def _channels(options: dict[str, Any], round_to: int) -> Step:
    """The step that removes channels, a share of each layer's or of all together."""
    if "sparsity" not in options or "pattern" in options:
        raise CommandError("prune: expected --sparsity and no --pattern with --structured")
    scope = options.get("scope", "layer")
    if scope not in SCOPES:
        raise CommandError(f"prune: expected --scope {' or '.join(SCOPES)}, got '{scope}'")
    budget = {"amount": options["sparsity"], "global_": scope == "global", "round_to": round_to}
    return Step("prune_structured", {**budget, "importance": options["method"], "ignored": options.get("ignored", [])})
