"""Comparisons that were written to a file as JSON: read again, to go on with one, and to make a page of several."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tinytorch_bench.peers.peer import PeerError
from tinytorch_bench.peers.report import VERSION, Form, Memory, Report, Row
from tinytorch_bench.peers.workloads import WORKLOADS, Workload
from tinytorch_bench.statistics import Ratio

KIND = "tinytorch bench peers"


def load(path: Path) -> Report:
    """Read a comparison; raises PeerError for anything else."""
    try:
        values = json.loads(path.read_text("utf-8"))
        if (values["kind"], values["version"]) != (KIND, VERSION):
            raise PeerError(f"{path}: expected version {VERSION} of '{KIND}', got {values['version']!r}")
        return _report(values)
    except OSError as error:
        raise PeerError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PeerError(f"{path}: expected what 'tinytorch bench peers --json' writes: {error}") from error


def begun(path: Path | None, new: Report) -> Report:
    """Give the comparison of a file to go on with, the new one where there is none; PeerError if it was another."""
    if path is None or not path.exists():
        return new
    found = load(path)
    for name in ("peer", "settings", "machine"):
        _same(name, getattr(found, name), getattr(new, name))
    return found


def add(report: Report, row: Row, sides: dict[str, Any]) -> None:
    """Put a row in its place, for one of the same workload; raises PeerError where a side is another than it was."""
    for side, told in sides.items():
        _same(side, report.sides.setdefault(side, told), told)
    rows = {each.workload.name: each for each in (*report.rows, row)}
    order = {name: place for place, name in enumerate(WORKLOADS)}
    report.rows[:] = sorted(rows.values(), key=lambda each: order.get(each.workload.name, len(order)))


def remaining(workloads: Sequence[Workload], report: Report) -> list[Workload]:
    """Give what has not been measured yet; what differed or was not built is tried again."""
    done = {row.workload.name for row in report.rows if row.outcome == "measured"}
    return [each for each in workloads if each.name not in done]


def _same(name: str, before: Any, now: Any) -> None:
    if before != now:
        raise PeerError(f"--resume: was begun with another {name}, {before} instead of {now}; name another file")


def _report(values: dict[str, Any]) -> Report:
    told = {key: values[key] for key in ("peer", "machine", "sides", "settings", "warnings")}
    return Report(**told, rows=[_row(each) for each in values["rows"]])


def _row(values: dict[str, Any]) -> Row:
    """A row with the aim that it had, whatever is aimed at today."""
    workload = Workload(
        **{key: values[key] for key in ("name", "group", "what", "tolerance", "counts")},
        make="",
        core=values["aim"],
        accel=values["aim"],
    )
    return Row(
        *(workload, values["plugins"], values["outcome"], values["told"], values["difference"]),
        *(_ratio(values["ratio"]), _form(values["ours"]), _form(values["theirs"])),
        *(_ratio(values["tuned_ratio"]), _form(values["tuned"]), _memory(values["memory"])),
    )


def _ratio(values: dict[str, Any] | None) -> Ratio | None:
    return None if values is None else Ratio(**{name: values[name] for name in Ratio._fields})


def _form(values: dict[str, Any] | None) -> Form | None:
    return None if values is None else Form(**values)


def _memory(values: dict[str, Any] | None) -> Memory | None:
    return None if values is None else Memory(**{name: values[name] for name in Memory._fields})
