"""What a change has changed: two functions timed in turn, or two profiles op by op."""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinytorch.verify.timing import Interval, Side, interleaved, ratio, verdict
from tinytorch_profiling.profiler import profile
from tinytorch_profiling.table import Column, Table
from tinytorch_profiling.timer import Timing

OF_PROFILE = (profile, Mapping, str, Path)  # a profile, its `to_dict()`, or the file of that
ALL = "(all)"
COLUMNS = (
    Column("name", "op"),
    Column("before", "before", "ns"),
    Column("after", "after", "ns"),
    Column("ratio", "after / before", "ratio"),
    Column("saved", "saved", "ns"),
    Column("calls_before", "calls before"),
    Column("calls_after", "calls after"),
)


@dataclass(frozen=True)
class Comparison:
    """Times of two functions that were called in turn, and the ratio of the second's to the first's."""

    before: Timing
    after: Timing
    ratio: Interval
    verdict: str  # of the second: faster, slower, or no difference shown

    def to_dict(self) -> dict[str, Any]:
        """Give all of it as plain data, times in seconds."""
        return {
            "before": self.before.to_dict(),
            "after": self.after.to_dict(),
            "ratio": self.ratio._asdict(),
            "verdict": self.verdict,
        }

    def __str__(self) -> str:
        value, low, high = self.ratio
        told = f"{self.verdict}: {value:.3f} × (95 % {low:.3f} to {high:.3f})"
        return f"{told}\nbefore {self.before}\nafter  {self.after}"


def compare(before: Any, after: Any, rounds: int = 31, seconds: float = 5.0, seed: int = 0) -> Comparison | Table:
    """Compare two functions, or two profiles.

    Functions without arguments are called in turn, in random order, in `rounds` bursts that take about `seconds`
    together; the ratio of their times has its interval. Profiles, or what `to_dict()` gave of them, or the files of
    that, make a table of the ratios of self times, the largest change first. Raises TypeError for anything else, and
    ValueError for a file that is none of a profile.
    """
    if isinstance(before, OF_PROFILE) and isinstance(after, OF_PROFILE):
        return _of_profiles(_data(before), _data(after))
    if not (callable(before) and callable(after)):
        got = f"{type(before).__name__} and {type(after).__name__}"
        raise TypeError(f"compare: expected two functions or two profiles, got {got}")
    if rounds < 1 or not 0 <= seconds < math.inf:
        raise ValueError(f"compare: expected rounds of 1 or more and finite seconds, got {rounds} and {seconds}")
    first, second = interleaved([Side(before), Side(after)], rounds, seconds, seed)
    return Comparison(Timing(first), Timing(second), ratio(second, first, seed), verdict(second, first, 1))


def _of_profiles(before: Mapping[str, Any], after: Mapping[str, Any]) -> Table:
    try:
        old, new = _times(before), _times(after)
        rows = [_row(name, old.get(name), new.get(name)) for name in dict.fromkeys([*old, *new])]
        whole = _row(ALL, *[(_number(each["wall"], "wall"), None) for each in (before, after)])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"compare: expected what a profile's to_dict() gives, which has {error}") from error
    return Table("after against before", COLUMNS, (whole, *sorted(rows, key=lambda row: -abs(row["saved"]))))


def _row(name: str, old: tuple[float, int | None] | None, new: tuple[float, int | None] | None) -> dict[str, Any]:
    (before, calls_before), (after, calls_after) = old or (0, 0), new or (0, 0)
    return {
        "name": name,
        "before": before,
        "after": after,
        "ratio": after / before if before else None,
        "saved": before - after,
        "calls_before": calls_before,
        "calls_after": calls_after,
    }


def _times(data: Mapping[str, Any]) -> dict[str, tuple[float, int | None]]:
    """Self time and calls by op."""
    times: dict[str, tuple[float, int | None]] = {}
    for row in data["tables"]["op"]["rows"]:
        name, calls = row["name"], row.get("calls")
        if not isinstance(name, str) or name in times:
            raise ValueError(f"compare: expected one row for each op, got another for {name!r}")
        of_calls = None if calls is None else _number(calls, f"calls of {name}", int)
        times[name] = _number(row["self_time"], f"self_time of {name}"), of_calls
    return times


def _number(value: Any, what: str, *kinds: type) -> Any:
    """A time or a number of calls, which is finite and less than 292 years of nanoseconds."""
    if type(value) not in (kinds or (int, float)) or not abs(value) < 2**63:
        raise ValueError(f"compare: expected a finite number for {what}, got {reprlib.repr(value)}")
    return value


def _data(given: profile | Mapping[str, Any] | str | Path) -> Mapping[str, Any]:
    if isinstance(given, profile):
        return given.to_dict()
    if isinstance(given, Mapping):
        return given
    try:
        data = json.loads(Path(given).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"compare: {given} is no JSON of a profile: {error}") from error
    if not isinstance(data, dict):
        raise ValueError(f"compare: {given} holds a {type(data).__name__}, expected what a profile's to_dict() gives")  # noqa: TRY004  a file's content is a value
    return data
