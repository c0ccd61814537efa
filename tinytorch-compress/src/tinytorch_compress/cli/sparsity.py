"""`tinytorch sparsity CHECKPOINT`: what of a model is zero, what that saves, and how much more it would bear."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinytorch.cli.options import DataOption
from tinytorch.cli.output import CommandError, percent, print_json, quiet, say, show_table
from tinytorch.core.module import Module
from tinytorch.core.tensor import Tensor
from tinytorch.recipes import SavedModel, load_model
from tinytorch_compress import curves
from tinytorch_compress.analysis import Report, analyse
from tinytorch_compress.html import layer_rows, storage_rows, write_html

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
    return analyse(
        saved.model,
        one,
        curve=curves.curve(saved.model, score, SPARSITIES) if curve else None,
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
    show_table(*layer_rows(report.layers))
    say()
    show_table(*storage_rows(report))
    counted = report.arithmetic
    if counted is not None:
        unknown = f"; not counted: {', '.join(counted.unknown)}" if counted.unknown else ""
        say(f"\n{counted.macs:,} MACs for one sample, {counted.nonzero:,} by a weight that is not zero{unknown}")
    if report.curve:
        say()
        show_table(["sparsity", "accuracy"], [[percent(share), percent(score)] for share, score in report.curve])
    if report.sensitivity:
        say()
        shares = [percent(share) for share in report.sparsities]
        rows = [[each.layer, *map(percent, each.scores)] for each in report.sensitivity]
        show_table(["pruned alone", *shares], rows)
    for path in filter(None, written):
        say(f"written: {path}")
