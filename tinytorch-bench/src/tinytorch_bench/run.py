"""A run: what `Benchmark` found, as data, and as a file that is whole at any instant and trusted in nothing."""

from __future__ import annotations

import json
import os
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tinytorch.replacing import replacing
from tinytorch_bench.reading import FormatError, checked, read
from tinytorch_bench.statistics import Ratio, ratio

KIND, VERSION, SCHEMA = "tinytorch bench run", 1, "run-1"


@dataclass(frozen=True)
class Row:
    """One model on one dataset."""

    model: str
    dataset: str
    bytes: int  # of parameters and buffers
    metrics: dict[str, float | None]  # None: it was not finite
    seconds: list[float]  # of a call, round by round
    warm_up: int | None  # calls until times were steady; None: they never were
    outliers: list[int]  # rounds whose time is far from the others; they count like all
    joules: float | None  # of a call; None: not measured
    applied: list[str]  # transforms that made the model what it is

    @property
    def latency(self) -> float:
        """The median of the rounds, in seconds of a call."""
        return statistics.median(self.seconds)


@dataclass(frozen=True)
class Run:
    """All models on all datasets, on one machine at one time."""

    written: str  # UTC, as ISO 8601 writes it
    machine: dict[str, Any]
    settings: dict[str, Any]
    yardstick: dict[str, Any]  # its version, and its seconds round by round
    energy: str  # what counted it, or why nothing did
    warnings: list[str]
    rows: list[Row]

    def names(self) -> list[tuple[str, str]]:
        """Model and dataset of each row."""
        return [(row.model, row.dataset) for row in self.rows]

    def row(self, model: str, dataset: str | None = None) -> Row:
        """Find a row; without a dataset, the model's first."""
        for row in self.rows:
            if row.model == model and dataset in (None, row.dataset):
                return row
        raise KeyError(f"row: there is no model '{model}' on {dataset or 'any dataset'}; there are {self._names()}")

    def ratio(self, model: str, other: str, dataset: str | None = None) -> Ratio:
        """How much longer one model takes than another of this run: they were timed in turn, in the same rounds."""
        return ratio(self.row(model, dataset).seconds, self.row(other, dataset).seconds)

    def save(self, path: str | Path) -> None:
        """Write it as JSON; what was there before stays until the new file is whole."""
        text = json.dumps(checked(self.as_dict(), SCHEMA), indent=1, allow_nan=False)
        with replacing(Path(path)) as file:
            file.write(f"{text}\n".encode())

    def as_dict(self) -> dict[str, Any]:
        """Give all of it as plain data."""
        return {"kind": KIND, "version": VERSION, **asdict(self)}

    def _names(self) -> str:
        return ", ".join(f"'{row.model}' on {row.dataset}" for row in self.rows)


def load(path: str | os.PathLike[str]) -> Run:
    """Read a stored run; FormatError says what is wrong with the file."""
    told = read(Path(path), SCHEMA)
    rows = [Row(**row) for row in told.pop("rows")]
    run = Run(**{name: value for name, value in told.items() if name not in ("kind", "version")}, rows=rows)
    rounds = run.settings["rounds"]
    if len(run.yardstick["seconds"]) != rounds or any(len(row.seconds) != rounds for row in rows):
        raise FormatError(f"{path}: expected {rounds} times, one for each round, in every list")
    names = [(row.model, row.dataset) for row in rows]
    if len(set(names)) < len(names):
        raise FormatError(f"{path}: a model stands there twice with one dataset")
    return run
