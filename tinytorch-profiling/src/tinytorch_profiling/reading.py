"""From what a recorder noted to a recording: nesting, self times, and the forward call of every derivative."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tinytorch_profiling.events import Call, Raw, Recording, Spec
from tinytorch_profiling.recorder import NOWHERE, Recorder

NEAR = 4  # from a call's serial number to that of the node that records it: 1, and 1 more for each other profile


def read(recorder: Recorder, windows: Sequence[tuple[int, int]], thread: int) -> Recording:
    """Make a recording of what was noted in some windows, given by beginning and end."""
    raws = sorted(recorder.calls(), key=lambda raw: (raw.start, -raw.end))
    calls = [_call(raw) for raw in raws]
    _nest(calls)
    _link(raws, calls)
    memory = recorder.lifetimes.timeline(windows[0][0], windows[-1][1]) if recorder.lifetimes and windows else []
    return Recording(calls, list(recorder.scopes), list(windows), thread, memory)


def _call(raw: Raw) -> Call:
    return Call(
        op=raw.op,
        inputs=tuple([_spec(each) for each in raw.inputs]),
        outputs=tuple(_specs(raw.outputs)),
        start=raw.start,
        end=raw.end,
        thread=raw.thread,
        plugin=raw.plugin,
        scope=None if raw.scope is NOWHERE else raw.scope,
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

    Of one op, it is the last that had its number before the node had its own: nothing comes between in one thread.
    """
    numbered: dict[str, list[tuple[int, Call]]] = defaultdict(list)
    for raw, call in sorted(zip(raws, calls, strict=True), key=lambda pair: pair[0].serial):
        numbered[call.op].append((raw.serial, call))
    serials = {op: [serial for serial, _ in pairs] for op, pairs in numbered.items()}
    near = NEAR if len({call.thread for call in calls}) < 2 else None  # other threads take numbers, too
    for raw, call in zip(raws, calls, strict=True):
        if raw.differentiated is None or call.phase != "backward":
            continue
        serial, op = raw.differentiated
        place = bisect_left(serials.get(op, []), serial) - 1
        if place >= 0 and (near is None or serial - serials[op][place] <= near):
            call.derivative_of = numbered[op][place][1]
