"""Showing results: as tables on a terminal, in a file or in a notebook, as JSON for programs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from rich.console import Group

from tinytorch.cli.output import json_text
from tinytorch_profiling.export.files import printable
from tinytorch_profiling.table import Table


class Shown(ABC):
    """What can be printed, shown in a notebook, and written as JSON."""

    @abstractmethod
    def tables(self) -> Sequence[Table]:
        """Give what is worth reading."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Give all of it as plain data."""

    def to_json(self) -> str:
        """Write all of it as JSON."""
        return printable(json_text(self.to_dict()))

    def __rich__(self) -> Group:
        return Group(*self.tables())

    def __str__(self) -> str:
        return "\n".join(map(str, self.tables()))

    def _repr_html_(self) -> str:
        return "".join(table._repr_html_() for table in self.tables())
