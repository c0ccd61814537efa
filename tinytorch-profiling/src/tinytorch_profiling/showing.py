"""Showing results: as text on a terminal or in a file, as a table in a notebook, as JSON for programs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from io import StringIO
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tinytorch.cli.output import json_text

UNCUT = 100_000  # columns of text that is not for a terminal
LEFT = "text-align:left;white-space:pre;font-family:monospace"  # so that branches of a tree meet
RIGHT = "text-align:right;white-space:nowrap;padding-left:1rem"


@dataclass(frozen=True)
class Sheet:
    """A table as text: the first column holds names, the others numbers; below it lines that say what it cannot."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    notes: Sequence[str] = ()


class Shown(ABC):
    """What can be printed, shown in a notebook, and written as JSON."""

    @abstractmethod
    def sheet(self) -> Sheet:
        """Everything worth reading."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The same as plain values, numbers as they are."""

    def to_json(self) -> str:
        """The same as JSON."""
        return json_text(self.to_dict())

    def __rich__(self) -> Text:
        """What rich's consoles print: where they are narrow, lines go on in the next one, and nothing is cut."""
        return Text(str(self))

    def __str__(self) -> str:
        sheet = self.sheet()
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for number, column in enumerate(sheet.columns):
            table.add_column(column, justify="right" if number else "left", no_wrap=True)
        for row in sheet.rows:
            table.add_row(*map(Text, row))
        out = StringIO()
        Console(file=out, width=UNCUT, soft_wrap=True, color_system=None).print(
            table, *map(Text, sheet.notes), sep="\n"
        )
        return "\n".join(line.rstrip() for line in out.getvalue().splitlines()).strip("\n")

    def _repr_html_(self) -> str:
        sheet = self.sheet()
        head = _html_row("th", sheet.columns)
        body = "".join(_html_row("td", row) for row in sheet.rows)
        notes = "".join(f"<p>{escape(note)}</p>" for note in sheet.notes)
        return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>{notes}"

    def _repr_mimebundle_(self, **_options: Any) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self._repr_html_()}


def _html_row(tag: str, cells: Sequence[str]) -> str:
    styles = (LEFT, *[RIGHT] * (len(cells) - 1))
    parts = (f'<{tag} style="{style}">{escape(cell)}</{tag}>' for style, cell in zip(styles, cells, strict=True))
    return f"<tr>{''.join(parts)}</tr>"


def size(count: int) -> str:
    """Bytes as a person reads them: 512 B, 1.5 KiB, 20.3 MiB."""
    if count < 1024:
        return f"{count} B"
    value = float(count)
    for unit in ("KiB", "MiB", "GiB"):
        value /= 1024
        if value < 1024:
            return f"{value:.1f} {unit}"
    return f"{value / 1024:.1f} TiB"
