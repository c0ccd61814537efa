"""`tinytorch sparsity CHECKPOINT`: what of a model is zero, what that saves, and how much more it would bear."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinytorch.cli.options import DataOption
from tinytorch.cli.output import CommandError, print_json, quiet, say, show_table
from tinytorch.core.module import Module
from tinytorch.core.tensor import Tensor
from tinytorch.recipes import SavedModel, load_model
from tinytorch_compress import curves, tables
from tinytorch_compress.analysis import Report, analyse
from tinytorch_compress.html import write_html
from tinytorch_compress.sparsity import sparsity_of

SPARSITIES = [0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95]
app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def sparsity(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="What `tinytorch train`, `prune` or `compress` wrote.")
    ],
    curve: Annotated[bool, typer.Option("--curve", help="Test it pruned further and further, in one shot.")] = False,
    sensitivity: Annotated[bool, typer.Option("--sensitivity", help="The same with each layer alone.")] = False,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page that needs nothing else.")] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw it: .png, .svg, .pdf.")] = None,
    data: DataOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")] = False,
) -> None:
    """Show the zeros of a model layer by layer, and its bytes on the disk in formats that make use of them.

    \b
    tinytorch sparsity small.npz
    tinytorch sparsity run.npz --curve --sensitivity --html report.html
    """  # noqa: D301  the mark is click's: the lines below it stay lines
    with quiet(as_json):
        saved = load_model(checkpoint, data)
        try:
            report = _report(saved, curve=curve, sensitivity=sensitivity)
            _draw(report, checkpoint, html, plot)
        except ValueError as error:
            raise CommandError(str(error)) from error
    print_json({"model": str(checkpoint), **report.to_dict()}) if as_json else _show(report, [html, plot])


def _report(saved: SavedModel, *, curve: bool, sensitivity: bool) -> Report:
    def score(model: Module) -> float:
        tested = saved.having(model).evaluate()
        return next(value for name, value in tested.items() if name != "loss")

    one = Tensor(next(iter(saved.test_batches))[0].array[:1])
    zero = sparsity_of(saved.model)
    further = [0.0, *[each for each in SPARSITIES if each > zero]]  # up to what is zero already nothing goes
    return analyse(
        saved.model,
        one,
        curve=curves.curve(saved.model, score, further) if curve else None,
        sensitivity=curves.sensitivity(saved.model, score, SPARSITIES) if sensitivity else None,
        sparsities=SPARSITIES if sensitivity else None,
    )


def _draw(report: Report, checkpoint: Path, html: Path | None, plot: Path | None) -> None:
    from tinytorch_compress import figures

    try:
        if html is not None:
            write_html(report, html, f"sparsity of {checkpoint.name}")
        if plot is not None:
            figures.overview(report).savefig(plot)
    except (OSError, ImportError) as error:
        place = f" {error.filename}" if isinstance(error, OSError) and error.filename else ""
        raise CommandError(f"cannot write the report{place}: {getattr(error, 'strerror', None) or error}") from error


def _show(report: Report, written: list[Path | None]) -> None:
    show_table(*tables.layers(report))
    say()
    show_table(*tables.storage(report))
    if report.cost is not None:
        say(f"\n{tables.pass_of(report.cost)}")
    for part, table in ((report.curve, tables.curve), (report.sensitivity, tables.sensitivity)):
        if part:
            say()
            show_table(*table(report))
    for path in filter(None, written):
        say(f"written: {path}")
