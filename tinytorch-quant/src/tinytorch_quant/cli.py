"""`tinytorch quantize CHECKPOINT --to int8 --calibrate DATA`: a model in integers, and what that gave and took."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from tinytorch.cli.begin import check_place
from tinytorch.cli.options import DataOption
from tinytorch.cli.output import CommandError, print_json, quiet, say, show_table
from tinytorch.core.tensor import Tensor
from tinytorch.core.training import evaluate
from tinytorch.recipes import SavedModel, load_model, save_model
from tinytorch.replacing import replacing
from tinytorch_quant import page
from tinytorch_quant.config import MODES, OBSERVERS, QuantConfig
from tinytorch_quant.quantizing import quantize
from tinytorch_quant.report import Report, measured, sensitivity

if TYPE_CHECKING:
    from tinytorch.core.module import Module

BITS = {"int8": 8, "int4": 4}
CALIBRATED = 100  # samples, unless told otherwise
COMPARED = 2  # batches on which layers are compared
app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def quantize_model(
    checkpoint: Annotated[
        Path,
        typer.Argument(
            metavar="CHECKPOINT", help="A file that `tinytorch train` wrote, or another command, `prune` for one."
        ),
    ],
    to: Annotated[str, typer.Option("--to", metavar="TYPE", help="The weights' type: int8 or int4.")] = "int8",
    mode: Annotated[
        str | None,
        typer.Option(
            metavar="MODE", help="static, dynamic or weight-only; else static, and weight-only for models of tokens."
        ),
    ] = None,
    calibrate: Annotated[
        Path | None,
        typer.Option(
            metavar="DATA",
            help="Examples: inputs in a .npy file, or data as the recipe reads it; else what it trains on.",
        ),
    ] = None,
    samples: Annotated[int, typer.Option(metavar="N", min=1, help="How many examples.")] = CALIBRATED,
    granularity: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT",
            help="What shares a scale: tensor, channel, or a group's size; else channel, and weight-only 32.",
        ),
    ] = None,
    observer: Annotated[str, typer.Option(metavar="NAME", help=", ".join(OBSERVERS))] = "histogram",
    keep: Annotated[str, typer.Option(metavar="A,B", help="Layers to leave in float, by name or glob.")] = "",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to write it (.npz or .safetensors).")] = None,
    scan: Annotated[bool, typer.Option("--scan", help="Quantize one layer at a time, too; takes long.")] = False,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the report as a page.")] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw it: .png, .svg, .pdf.")] = None,
    data: DataOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")] = False,
) -> None:
    """Quantize a trained model, measure what that gave and took, and write it for `tinytorch eval`.

    \b
    tinytorch quantize run.npz --out small.npz
    tinytorch quantize run.npz --to int4 --mode weight-only --granularity 32
    """  # noqa: D301  the mark is click's: the lines below it stay lines
    check_place(out)
    with quiet(as_json):
        saved = load_model(checkpoint, data)
        mode = _mode(saved) if mode is None else mode
        config = _config(to, mode, granularity, observer, keep)
        examples = _examples(saved, calibrate, samples)
        try:
            made = quantize(saved.model, config, examples)
            report = measured(
                saved.model, made, list(islice(saved.test_batches, COMPARED)), _scored(saved), _ending(out)
            )
            if scan:
                for name, scores in sensitivity(saved.model, config, examples, _scored(saved)):
                    report.sensitivity[name] = scores
                    say(f"{name}: {_line(scores)}")
        except (TypeError, ValueError) as error:
            raise CommandError(str(error)) from error
        if out is not None:
            save_model(saved.having(made), out)
        _write(report, html, plot, f"{checkpoint} in {to}, {mode}")
    if as_json:
        print_json({"checkpoint": str(checkpoint), "to": to, "mode": mode, **report.to_dict()})
    else:
        _show(report, [each for each in (out, html, plot) if each is not None])


def _mode(saved: SavedModel) -> str:
    """Static where inputs are floats; tokens have no scale."""
    x, *_ = next(iter(saved.test_batches))
    return "static" if x.is_floating_point() else "weight-only"


def _config(to: str, mode: str, granularity: str | None, observer: str, keep: str) -> QuantConfig:
    if to not in BITS:
        raise CommandError(f"--to: expected {' or '.join(BITS)}, got {to!r}")
    if mode.replace("-", "_") not in MODES:
        raise CommandError(f"--mode: expected static, dynamic or weight-only, got {mode!r}")
    layers = {name.strip(): None for name in keep.split(",") if name.strip()}
    try:
        return QuantConfig(
            mode=mode.replace("-", "_"),
            bits=BITS[to],
            granularity=int(granularity) if granularity is not None and granularity.isdecimal() else granularity,
            observer=observer,
            layers=layers,
        )
    except ValueError as error:
        raise CommandError(str(error)) from error


def _examples(saved: SavedModel, path: Path | None, samples: int) -> list[Tensor]:
    """So many inputs, as batches."""
    if path is not None and path.suffix == ".npy":
        return [Tensor(_inputs(path)[:samples])]
    batches = saved.train_batches
    if path is not None:
        batches = _others(saved, path)
    found, count = list[Tensor](), 0
    for x, *_ in batches:
        found.append(x[: samples - count])
        count += len(found[-1])
        if count == samples:
            break
    return found


def _others(saved: SavedModel, path: Path) -> Any:
    """The batches that the recipe trains on, of other data."""
    from tinytorch.core.dataloader import DataLoader

    return DataLoader(saved.recipe.load_data(path)[0], saved.settings.batch_size)


def _inputs(path: Path) -> Any:
    try:
        read = np.load(path, allow_pickle=False)
        inputs = read.astype(np.float32) if isinstance(read, np.ndarray) else None
    except (EOFError, OSError, ValueError) as error:
        raise CommandError(f"--calibrate: {path} cannot be read as inputs: {error}") from error
    if inputs is None or inputs.ndim < 2:
        raise CommandError(f"--calibrate: {path} cannot be read as inputs: it is no array of two dimensions or more")
    return inputs


def _scored(saved: SavedModel) -> Any:
    def scores(model: Module) -> dict[str, float]:
        return evaluate(model, saved.test_batches, saved.recipe.loss, saved.recipe.metric)

    return scores


def _ending(out: Path | None) -> str:
    return ".npz" if out is None else out.suffix


def _write(report: Report, html: Path | None, plot: Path | None, title: str) -> None:
    try:
        if html is not None:
            with replacing(html) as file:
                file.write(page.html(report, title).encode())
        if plot is not None:
            from tinytorch_quant import figures

            figures.errors(report).savefig(plot)
    except (OSError, ValueError, ImportError) as error:
        raise CommandError(f"cannot write {html or plot}: {getattr(error, 'strerror', None) or error}") from error


def _show(report: Report, written: list[Path]) -> None:
    show_table(("", "float32", "quantized", "ratio"), page.overview(report))
    say()
    show_table(("layer", "SQNR", "cosine", "largest error"), page.layer_rows(report))
    say()
    say(f"Measured time: {report.speed}.")
    say(page.floats(report))
    for path in written:
        say(f"written: {path}")


def _line(scores: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4f}" for name, value in scores.items())
