"""A recording as tables: by op, by input shape, by phase, by plugin, by module, by range.

*self* is the time in an op itself, *total* includes the ops that its kernel called. A row for Python between the ops
makes the shares add up to all of the time. FLOPs and bytes are of the calls that `counted` tells: what a call with a
formula calls itself is part of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from tinytorch_profiling.events import NO_MODULE, Call, Recording, Scope, Spec
from tinytorch_profiling.formulas import counted, moved
from tinytorch_profiling.table import Column, Table

LISTED = 3  # arrays of a list whose shapes are written out
BETWEEN = "(Python between ops)"
OWN_TIME = (Column("self_time", "self", "ns"), Column("share", "self %", "share"))
OF_CALLS = (
    Column("calls", "calls"),
    *OWN_TIME,
    Column("total_time", "total", "ns"),
    Column("mean_time", "mean", "ns"),
    Column("nbytes", "moved", "bytes"),
    Column("flops", "FLOPs", "count"),
    Column("gflops_per_second", "GFLOP/s", "rate"),
    Column("plugin", "answered by"),
)
OF_MODULES = (
    Column("name", "module"),
    Column("calls", "calls"),
    *OWN_TIME,
    Column("total_time", "total", "ns"),
    Column("total_share", "total %", "share"),
    Column("forward", "forward", "ns"),
    Column("backward", "backward", "ns"),
    Column("flops", "FLOPs", "count"),
)
OF_RANGES = (
    Column("name", "range"),
    Column("calls", "calls"),
    *OWN_TIME,
    Column("total_time", "total", "ns"),
    Column("mean_time", "mean", "ns"),
)


def by_op(recording: Recording) -> Table:
    """Give a row for each op."""
    return _of_calls(recording, "by op", "op", lambda call: call.op)


def by_shape(recording: Recording) -> Table:
    """Give a row for each op with inputs of the same shapes."""
    return _of_calls(recording, "by input shape", "op and shapes", lambda call: f"{call.op} {shapes(call)}")


def by_phase(recording: Recording) -> Table:
    """Give a row each for forward, backward and step."""
    return _of_calls(recording, "by phase", "phase", lambda call: call.phase)


def by_plugin(recording: Recording) -> Table:
    """Give a row for each plugin that answered, and the core."""
    return _of_calls(recording, "by plugin", "plugin", lambda call: call.plugin)


def by_module(recording: Recording) -> Table:
    """Give a row for each module: self without its parts, all else with them; derivatives count where forward does."""
    rows: dict[str, dict[str, Any]] = {}
    known = dict(counted(recording))
    for call in recording.calls:
        own = call.module or NO_MODULE
        for path in _outwards(own):
            row = rows.setdefault(path, _zeros("self_time", "total_time", "forward", "backward", "flops"))
            row["total_time"] += call.self_time
            row["flops"] += 2 * (known.get(call) or 0)
            if call.phase in row:
                row[call.phase] += call.self_time
        rows[own]["self_time"] += call.self_time
    entered = Counter(scope.name for scope in recording.scopes if scope.kind == "module")
    for path, row in rows.items():
        row.update(name=path, calls=entered[path] or None, flops=row["flops"] or None)
        row.update(share=_share(row["self_time"], recording), total_share=_share(row["total_time"], recording))
    return Table("by module", OF_MODULES, (*rows.values(), _between(recording)), _notes(recording.calls))


def by_range(recording: Recording) -> Table:
    """Give a row for each name that `record` gave; self is what no range inside it took."""
    rows: dict[str, dict[str, Any]] = {}
    ranges = [each for each in recording.scopes if each.kind == "range"]
    for scope in ranges:
        row = rows.setdefault(scope.name, {"name": scope.name, **_zeros("calls", "self_time", "total_time")})
        time = scope.end - scope.start
        outer = [*_ranges_around(scope)]
        row["calls"] += 1
        row["self_time"] += time
        row["total_time"] += time if scope.name not in [each.name for each in outer] else 0
        if outer:
            rows[outer[0].name]["self_time"] -= time
    for row in rows.values():
        row.update(share=_share(row["self_time"], recording), mean_time=row["total_time"] / row["calls"])
    return Table("by range", OF_RANGES, tuple(rows.values()), _notes(ranges))


VIEWS: dict[str, Callable[[Recording], Table]] = {
    "op": by_op,
    "module": by_module,
    "shape": by_shape,
    "phase": by_phase,
    "plugin": by_plugin,
    "range": by_range,
}


def shapes(call: Call) -> str:
    """Write the shapes of a call's inputs, without parameters; of long lists how many there are."""
    return ", ".join(filter(None, map(_shape, call.inputs)))


def _of_calls(recording: Recording, title: str, name: str, key: Callable[[Call], str]) -> Table:
    groups: dict[str, list[Call]] = defaultdict(list)
    for call in recording.calls:
        groups[key(call)].append(call)
    known = dict(counted(recording))
    rows = [{"name": name, **_sums(calls, recording, known, key)} for name, calls in groups.items()]
    columns = (Column("name", name), *OF_CALLS)
    return Table(title, columns, (*rows, _between(recording)), _notes(recording.calls))


def _sums(
    calls: Sequence[Call], recording: Recording, known: Mapping[Call, int | None], key: Callable[[Call], str]
) -> dict[str, Any]:
    own = sum(call.self_time for call in calls)
    outermost = [call for call in calls if not any(key(outer) == key(call) for outer in _calls_around(call))]
    total, computing = (sum(call.time for call in each) for each in (outermost, filter(known.__contains__, outermost)))
    flops = _flops(calls, known)
    rate = flops / computing if flops and computing else None  # a FLOP a nanosecond is a GFLOP a second
    return {
        "calls": len(calls),
        "self_time": own,
        "share": _share(own, recording),
        "total_time": total,
        "mean_time": total / len(calls),
        "nbytes": sum(moved(call) for call in calls if call in known),
        "flops": flops,
        "gflops_per_second": rate,
        "plugin": ", ".join(sorted({call.plugin for call in calls})),
    }


def _flops(calls: Sequence[Call], known: Mapping[Call, int | None]) -> int | None:
    """Two for each MAC of the calls that have a formula; None where none has."""
    counts = [count for call in calls if (count := known.get(call)) is not None]
    return 2 * sum(counts) if counts else None


def _between(recording: Recording) -> dict[str, Any]:
    return {"name": BETWEEN, "self_time": recording.outside, "share": _share(recording.outside, recording)}


def _share(time: float, recording: Recording) -> float:
    return time / recording.wall if recording.wall else 0.0


def _notes(events: Iterable[Call | Scope]) -> tuple[str, ...]:
    threads = len({each.thread for each in events})
    return (f"times of {threads} threads are added; shares are of the profile's own time",) if threads > 1 else ()


def _zeros(*keys: str) -> dict[str, Any]:
    return dict.fromkeys(keys, 0)


def _outwards(path: str) -> Iterator[str]:
    """The path of a module, and those of the modules that it is a part of."""
    while path:
        yield path
        path = path.rpartition(".")[0]


def _calls_around(call: Call) -> Iterator[Call]:
    while call.parent is not None:
        call = call.parent
        yield call


def _ranges_around(scope: Scope) -> Iterator[Scope]:
    """The ranges of its thread that a range lies in, the nearest first; those of others go on beside it."""
    outer = scope.parent and scope.parent.enclosing("range")
    while outer is not None:
        if outer.thread == scope.thread:
            yield outer
        outer = outer.parent and outer.parent.enclosing("range")


def _shape(value: Any) -> str:
    if isinstance(value, Spec):
        return f"({', '.join(map(str, value.shape))})"
    arrays = [each for each in value if isinstance(each, Spec)] if isinstance(value, list) else []
    if len(arrays) > LISTED:
        return f"[{len(arrays)} arrays]"
    return f"[{', '.join(map(_shape, arrays))}]" if arrays else ""
