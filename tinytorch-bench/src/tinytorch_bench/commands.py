"""`tinytorch bench compare A B`: stored runs side by side, with a status for CI."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinytorch.cli.output import complain, print_json, say, show_table
from tinytorch_bench.comparing import Change, CompareError, Comparison
from tinytorch_bench.comparing import compare as compared
from tinytorch_bench.reading import FormatError
from tinytorch_bench.run import Run, load

REGRESSION, WRONG_INPUT = 1, 2


def compare(
    before: Annotated[
        Path, typer.Argument(metavar="A", help="A stored run, the earlier one; or a folder of four or more.")
    ],
    after: Annotated[Path, typer.Argument(metavar="B", help="The later one, or as many.")],
    fail_above: Annotated[str, typer.Option(metavar="PART", help="By how much time or size may grow.")] = "5%",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")] = False,
) -> int:
    """Compare two stored runs of the same models on the same machine.

    The exit status is 0 where nothing became worse by more than the limit, 1 for a regression or a model that B
    lacks, 2 for files that cannot be read or compared. A regression in time is one that was shown, and whose estimate
    is above the limit. Where the machine changes its speed from minute to minute, compare folders of runs that were
    taken in turn.

    \b
    tinytorch bench compare main.json branch.json --fail-above 3%
    """  # noqa: D301  the mark is click's: the lines below it stay lines
    try:
        found = compared(_runs(before), _runs(after), part(fail_above))
    except (FormatError, CompareError) as error:
        complain(str(error))
        return WRONG_INPUT
    if as_json:
        print_json(found.as_dict())
    else:
        _show(found)
    return REGRESSION if found.failed else 0


def _runs(path: Path) -> list[Run]:
    """Read a run, or all that lie in a folder."""
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise CompareError(f"{path}: expected stored runs, *.json, in this folder")
    return [load(file) for file in files]


def part(text: str) -> float:
    """Read `5%` or `0.05`; CompareError where it is neither.

    >>> part("5%")
    0.05
    """
    number, percent, rest = text.strip().partition("%")
    try:
        value = float(number) / (100.0 if percent else 1.0)
    except ValueError:
        value = float("nan")
    if rest.strip() or not 0 <= value < float("inf"):
        raise CompareError(f"--fail-above: expected a part such as 5% or 0.05, got {text!r}")
    return value


def _show(found: Comparison) -> None:
    columns = ["model", "dataset", "time, B / A", "95 % interval", "A µs", "B µs", "bytes", "metrics", "shown"]
    show_table(columns, [_cells(change) for change in found.changes])
    for remark in found.remarks:
        say(f"note: {remark}")
    for model, dataset in found.missing:
        say(f"missing: {model} on {dataset} is not in B any more")
    for change in found.changes:
        for told in change.regressions:
            say(f"regression: {change.model} on {change.dataset}: {told}")


def _cells(change: Change) -> list[str]:
    first, second = (f"{1e6 * seconds:,.1f}" for seconds in change.seconds)
    before, after = change.bytes
    return [
        *(
            change.model,
            change.dataset,
            f"{change.ratio.median:.3f}",
            f"{change.ratio.low:.3f}-{change.ratio.high:.3f}",
        ),
        *(first, second, f"{before:,}" if before == after else f"{before:,} to {after:,}"),
        *(", ".join(_metric(name, *values) for name, values in change.metrics.items()) or "-", change.verdict),
    ]


def _metric(name: str, before: float | None, after: float | None) -> str:
    first, second = ("not finite" if value is None else f"{value:.4f}" for value in (before, after))
    return f"{name} {first}" if first == second else f"{name} {first} to {second}"
