"""A table of what was measured: shown on a terminal, in a notebook, in a report, or as plain data.

Cells are numbers; how they read, the column says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from html import escape
from io import StringIO
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions
from rich.measure import Measurement
from rich.table import Table as RichTable
from rich.text import Text

from tinytorch_profiling import units

UNCUT = 100_000  # columns of what is no terminal
NAME, SHORT = 72, 24  # columns of a row's name, at most and where there is little room: it goes on in the next line
UNITS: dict[str, Callable[[Any], str]] = {
    "": units.plain,
    "ns": units.time,
    "bytes": units.size,
    "count": units.count,
    "share": units.percent,
    "ratio": units.ratio,
    "rate": units.rate,
}


@dataclass(frozen=True)
class Column:
    """A column's key in the rows, what stands above it, and what its numbers are in."""

    key: str
    title: str
    unit: str = ""

    def text(self, row: Mapping[str, Any]) -> str:
        """Write the row's cell; one that has no value is empty."""
        value = row.get(self.key)
        return "" if value is None else UNITS[self.unit](value)


@dataclass(frozen=True)
class Table:
    """Columns, of which the first names the row, rows by the columns' keys, and notes below."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[dict[str, Any], ...]
    notes: tuple[str, ...] = ()

    def sorted(self, key: str, limit: int | None = None, *, ascending: bool = False) -> Table:
        """Sort by a column, the largest first, and keep the first rows; a note says how many were left out."""
        if key not in (known := [column.key for column in self.columns]):
            raise ValueError(f"table: cannot sort by '{key}'; columns are {', '.join(known)}")
        if limit is not None and limit < 0:
            raise ValueError(f"table: expected a limit of 0 or more, got {limit}")
        rows = sorted(self.rows, key=lambda row: _order(row.get(key)), reverse=not ascending)
        left = 0 if limit is None else len(rows) - limit
        notes = (*self.notes, f"{left} more row{'s' * (left > 1)}") if left > 0 else self.notes
        return replace(self, rows=tuple(rows[:limit]), notes=notes)

    def to_dict(self) -> dict[str, Any]:
        """Give title, columns with their units, rows and notes as plain data."""
        columns = [{"key": each.key, "title": each.title, "unit": each.unit} for each in self.columns]
        return {"title": self.title, "columns": columns, "rows": list(self.rows), "notes": list(self.notes)}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RichTable | Text]:
        """Draw it; where that is too wide, lines go on in the next one, and no number is cut."""
        table = self._drawn()
        whole = Measurement.get(console, options.update(width=UNCUT), table).maximum
        names = min(NAME, max((len(self.columns[0].text(row)) for row in self.rows), default=0))
        if whole - max(0, names - SHORT) > options.max_width:
            yield Text(str(self))
        else:
            yield table
            yield Text("\n".join([*map(units.plain, self.notes), ""]))

    def __str__(self) -> str:
        out = Console(file=StringIO(), width=UNCUT, color_system=None)
        out.print(self._drawn(), *[Text(units.plain(note)) for note in self.notes], "", sep="\n")
        text: str = out.file.getvalue()  # type: ignore[attr-defined]  # of the StringIO
        return "\n".join(line.rstrip() for line in text.splitlines())

    def _drawn(self) -> RichTable:
        table = RichTable(
            title=Text(units.plain(self.title)),
            title_justify="left",
            title_style="bold",
            box=SIMPLE_HEAD,
            pad_edge=False,
        )
        for column in self.columns:
            first = column is self.columns[0]
            table.add_column(
                column.title,
                justify="left" if first else "right",
                overflow="fold",
                no_wrap=not first,
                max_width=NAME if first else None,
            )
        for row in self.rows:
            table.add_row(*[Text(column.text(row)) for column in self.columns])
        return table

    def _repr_html_(self) -> str:
        """Show it in a notebook."""
        head = "".join(f'<th scope="col">{escape(column.title)}</th>' for column in self.columns)
        body = "".join(f"<tr>{self._html_row(row)}</tr>" for row in self.rows)
        notes = "".join(f"<p>{escape(units.plain(note))}</p>" for note in self.notes)
        return f"<table><caption>{escape(units.plain(self.title))}</caption><tr>{head}</tr>{body}</table>{notes}"

    def _html_row(self, row: Mapping[str, Any]) -> str:
        name, *rest = [escape(column.text(row)) for column in self.columns]
        return f'<th scope="row">{name}</th>' + "".join(f"<td>{each}</td>" for each in rest)


def _order(value: Any) -> tuple[int, Any]:
    """Numbers above texts above nothing, so that mixed columns can be sorted."""
    if value is None:
        return 0, 0
    return (1, value) if isinstance(value, str) else (2, value)
