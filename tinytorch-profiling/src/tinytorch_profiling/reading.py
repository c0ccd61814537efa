"""From what a recorder noted to a recording: nesting, self times, and the forward call of every derivative."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tinytorch_profiling.events import Call, Raw, Recording, Scope, Spec
from tinytorch_profiling.recorder import Recorder

NEAR = 16  # from a call's serial number to that of the node that records it: 1, and 1 more for each other profile


def read(recorder: Recorder, windows: Sequence[tuple[int, int]], thread: int) -> Recording:
    """Make a recording of what was noted in some windows, given by beginning and end."""
    raws = sorted(recorder.calls(), key=lambda raw: (raw.start, -raw.end))
    scopes = _clipped([*recorder.scopes, *recorder.open.copy().values()], windows)
    calls = [_call(raw, scopes.get(id(raw.scope))) for raw in raws]
    _nest(calls)
    _link(raws, calls)
    memory = recorder.lifetimes.timeline(windows[0][0], windows[-1][1]) if recorder.lifetimes and windows else []
    return Recording(calls, list(scopes.values()), list(windows), thread, memory)


def _clipped(scopes: Sequence[Scope], windows: Sequence[tuple[int, int]]) -> dict[int, Scope]:
    """The part of each scope that lies in the windows, the outer ones first, by the scope that was noted."""
    clipped: dict[int, Scope] = {}
    if not windows:
        return clipped
    first, last = windows[0][0], windows[-1][1]
    for scope in sorted(scopes, key=lambda scope: (scope.start, -(scope.end or last))):
        start, end = max(scope.start, first), min(scope.end or last, last)  # without an end: it is still open
        if start <= end:
            parent = clipped.get(id(scope.parent))
            clipped[id(scope)] = Scope(scope.kind, scope.name, parent, scope.thread, start, end)
    return clipped


def _call(raw: Raw, scope: Scope | None) -> Call:
    inputs, outputs = raw.parts()
    return Call(
        op=raw.op,
        inputs=tuple([_spec(each) for each in inputs]),
        outputs=tuple(_specs(outputs)),
        start=raw.start,
        end=raw.end,
        thread=raw.thread,
        plugin=raw.plugin,
        scope=scope,
        self_time=raw.end - raw.start,
    )


def _spec(value: Any) -> Any:
    """A described value, with a Spec for every shape and dtype."""
    if isinstance(value, tuple):
        return Spec(value[0], str(value[1]))
    return [_spec(each) for each in value] if isinstance(value, list) else value


def _specs(outputs: Any) -> Iterator[Spec]:
    """The arrays that a call gave; one that writes its inputs gives none."""
    for each in outputs if isinstance(outputs, list) else [outputs]:
        if isinstance(each, tuple) and isinstance(each[1], np.dtype):
            yield _spec(each)


def _nest(calls: Sequence[Call]) -> None:
    """Give every call the one that it was made in, thread by thread, and take its time from that one's own."""
    open_calls: dict[int, list[Call]] = defaultdict(list)
    for call in calls:
        stack = open_calls[call.thread]
        while stack and stack[-1].end <= call.start:
            stack.pop()
        if stack:
            call.parent = stack[-1]
            call.parent.self_time -= call.time
        stack.append(call)


def _link(raws: Sequence[Raw], calls: Sequence[Call]) -> None:
    """Give every call of a backward the forward call whose derivative it belongs to, if that one was recorded.

    In its thread that is the last call before the node had its number: nothing comes between.
    """
    numbered: dict[int, list[tuple[int, Call]]] = defaultdict(list)
    for raw, call in sorted(zip(raws, calls, strict=True), key=lambda pair: pair[0].serial):
        numbered[call.thread].append((raw.serial, call))
    serials = {thread: [serial for serial, _ in pairs] for thread, pairs in numbered.items()}
    near = NEAR if len(numbered) < 2 else float("inf")  # other threads take numbers, too
    for raw, call in zip(raws, calls, strict=True):
        if raw.differentiated is not None and call.phase == "backward":
            serial, op = raw.differentiated
            places = {thread: bisect_left(known, serial) - 1 for thread, known in serials.items()}
            before = [numbered[thread][place] for thread, place in places.items() if place >= 0]
            fitting = [(number, each) for number, each in before if each.op == op and serial - number <= near]
            call.derivative_of = max(fitting, key=lambda pair: pair[0], default=(0, None))[1]
