"""Output: plain text and tables for people, one JSON object for programs, one sentence for errors.

Where standard output is no terminal, nothing is coloured, boxed or cut.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

UNCUT = 100_000  # columns of what is no terminal


class CommandError(RuntimeError):
    """A command cannot do what it was asked to; the sentence says why and what to do."""


def console(*, stderr: bool = False) -> Console:
    """Make a console on the stream of this moment."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else UNCUT
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=width is not None)


def say(text: str = "") -> None:
    """Print a line for a person."""
    console().print(text)


def complain(text: str) -> None:
    """Print one sentence on standard error."""
    console(stderr=True).print(f"tinytorch: {' '.join(text.split())}", soft_wrap=True)


def show_facts(facts: Mapping[str, str]) -> None:
    """Print a line for each, name and value, the values aligned."""
    width = max(map(len, facts)) + 2
    for name, value in facts.items():
        say(f"{name:{width}}{value}")


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: on a terminal with a rule below the head, elsewhere aligned columns."""
    out = console()
    style = "bold" if out.is_terminal else ""
    table = Table(box=SIMPLE_HEAD if out.is_terminal else None, header_style=style, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    out.print(table)


def print_json(value: Any) -> None:
    """Print one JSON value."""
    print(json_text(value))


def json_text(value: Any) -> str:
    """Write a value as JSON, which has no nan and no infinity, so that they become null."""
    return json.dumps(_finite(value), indent=2, ensure_ascii=False)


@contextmanager
def quiet(wanted: bool) -> Iterator[None]:
    """Let nothing but our JSON reach standard output: what plugins print goes to standard error."""
    if not wanted:
        yield
        return
    with redirect_stdout(sys.stderr):
        yield


def percent(share: float) -> str:
    """Write a share of 1 as percent."""
    return "nan" if math.isnan(share) else f"{100 * share:.2f} %"


def duration(seconds: float) -> str:
    """Write seconds as a person reads them: 8.4 s, 2:05, 1:02:05."""
    return f"{seconds:.1f} s" if seconds < 60 else clock(seconds)


def clock(seconds: float) -> str:
    """Write seconds as a clock does: 0:08, 2:05, 1:02:05."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(key): _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return value
