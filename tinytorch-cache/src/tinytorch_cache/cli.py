"""`tinytorch cache report MODEL`: what caches take and give for a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinytorch.cli.output import CommandError, print_json, quiet, say, show_table
from tinytorch.core.transformers import LanguageModel
from tinytorch.models import load_llama2c, load_pretrained
from tinytorch.recipes import chars
from tinytorch_cache import choice, figures
from tinytorch_cache.report import Row, measured

LONGEST = 256  # tokens, unless more are asked for
app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.callback()
def cache() -> None:
    """Look at KV caches."""


@app.command()
def report(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL", help="What `tinytorch train chars` wrote, llama2.c's .bin, or a folder of Hugging Face's."
        ),
    ],
    tokens: Annotated[
        int | None, typer.Option(metavar="N", min=2, help=f"How long the text gets; at most {LONGEST} if not said.")
    ] = None,
    kinds: Annotated[str, typer.Option(metavar="A,B", help="The caches.")] = ",".join(("none", *choice.KINDS)),
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw tokens a second against length: .png, .svg, .pdf.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")] = False,
) -> None:
    """Show for each cache its bytes, by formula and as measured, and tokens a second as the text gets longer.

    Tokens are compared with those written without a cache, and near ties are told.

    \b
    tinytorch cache report run.npz
    tinytorch cache report stories260K.bin --tokens 512 --plot rates.png
    """  # noqa: D301  the mark is click's: the lines below it stay lines
    with quiet(as_json):
        net = _read(model)
        wanted = [kind.strip() for kind in kinds.split(",") if kind.strip()]
        if not wanted:
            raise CommandError(f"--kinds: expected one or more of {', '.join(choice.KINDS)} or none")
        for kind in wanted:
            if kind not in ("none", *choice.KINDS):
                raise CommandError(f"--kinds: there is no cache '{kind}'; expected {', '.join(choice.KINDS)} or none")
        length = min(net.max_length, LONGEST) if tokens is None else tokens
        if length > net.max_length:
            raise CommandError(f"--tokens {length}: the model looks at {net.max_length} tokens at most")
        rows = measured(net, wanted, length)
        if plot is not None:
            _draw(rows, plot)
    if as_json:
        print_json({"model": str(model), "tokens": length, "caches": [row.to_dict() for row in rows]})
    else:
        _show(rows, plot)


def _read(path: Path) -> LanguageModel:
    if path.suffix == ".bin":
        return load_llama2c(path)
    if not path.is_dir():
        return chars.load(path)[0]
    model = load_pretrained(path)
    if not isinstance(model, LanguageModel):
        raise CommandError(f"{path} holds a {type(model).__name__}, which writes no text")
    return model


def _show(rows: list[Row], plot: Path | None) -> None:
    lengths = [str(rate.length) for rate in rows[0].rates] if rows else []
    table = [
        [row.kind, _bytes(row.formula_bytes), _bytes(row.measured_bytes)]
        + [f"{rate.tokens_per_second:,.0f}" for rate in row.rates]
        for row in rows
    ]
    show_table(["cache", "bytes, formula", "measured", *[f"tokens/s at {length}" for length in lengths]], table)
    for row in rows:
        if row.agreement is not None:
            say(f"{row.kind}: {row.agreement}")
    if plot is not None:
        say(f"written: {plot}")


def _bytes(count: int | None) -> str:
    return "–" if count is None else f"{count:,}"


def _draw(rows: list[Row], path: Path) -> None:
    try:
        figures.rates(rows).savefig(path)
    except (OSError, ValueError, ImportError) as error:
        raise CommandError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from error
