"""A recording as a trace: the JSON of Chrome's trace events, which ui.perfetto.dev and chrome://tracing show.

The format: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAJ4U. Times in it are
microseconds, here since the first window of the recording began.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tinytorch_profiling.events import Call, Recording, Spec, specs
from tinytorch_profiling.export.files import expect_suffix, write
from tinytorch_profiling.export.spans import Memory, Span, tracks

Place = tuple[int, float]  # the track's number, and microseconds


def export_chrome_trace(recording: Recording, path: str | Path, memory: Memory | None = None) -> None:
    """Write a trace to a .json or .json.gz file, with a counter of live memory where a timeline of it is given."""
    expect_suffix(path, "export_chrome_trace", ".json", ".json.gz")
    write(path, _json(trace_events(recording, memory or ())))


def trace_events(recording: Recording, memory: Memory = ()) -> Iterator[dict[str, Any]]:
    """Make the events: names of tracks, a complete event for every scope and call, arrows, counters."""
    yield _event("M", "process_name", (0, 0), args={"name": "tinytorch"})
    places: dict[Call, Place] = {}
    for number, track in enumerate(tracks(recording), start=1):
        yield _event("M", "thread_name", (number, 0), args={"name": track.name})
        yield _event("M", "thread_sort_index", (number, 0), args={"sort_index": number})
        for span in track.spans:
            place = number, _microseconds(span.start - recording.start)
            if isinstance(span.source, Call):
                places[span.source] = place
            duration = _microseconds(span.end - span.start)
            yield _event("X", span.name, place, cat=span.kind, dur=duration, args=_details(span))
    yield from _arrows(recording, places)
    for moment, categories in memory:
        place = 0, _microseconds(moment - recording.start)
        yield _event("C", "live memory", place, args=dict(categories))


def _arrows(recording: Recording, places: Mapping[Call, Place]) -> Iterator[dict[str, Any]]:
    """An arrow from each forward call to the first call of its derivative."""
    seen: set[Call] = set()
    for call in recording.calls:
        forward = call.derivative_of
        if forward is None or forward in seen:
            continue
        seen.add(forward)
        yield _event("s", "derivative", places[forward], cat="derivative", id=len(seen))
        yield _event("f", "derivative", places[call], cat="derivative", id=len(seen), bp="e")


def _event(phase: str, name: str, place: Place, **more: Any) -> dict[str, Any]:
    return {"ph": phase, "name": name, "pid": os.getpid(), "tid": place[0], "ts": place[1], **more}


def _details(span: Span) -> dict[str, Any]:
    call = span.source
    if not isinstance(call, Call):
        return {"path": call.name} if call.kind == "module" else {}
    inputs = list(specs(call.inputs))
    return {
        "input shapes": [each.shape for each in inputs],
        "input dtypes": [each.dtype for each in inputs],
        "output shapes": [each.shape for each in call.outputs],
        "output dtypes": [each.dtype for each in call.outputs],
        "parameters": [repr(each) for each in call.inputs if not isinstance(each, Spec) and not _holds_arrays(each)],
        "plugin": call.plugin,
        "module": call.module,
        "bytes": call.nbytes,
        "self time (µs)": _microseconds(call.self_time),
    }


def _holds_arrays(value: Any) -> bool:
    return isinstance(value, list | tuple) and next(specs(value), None) is not None


def _microseconds(nanoseconds: int) -> float:
    return nanoseconds / 1000


def _json(events: Iterator[dict[str, Any]]) -> Iterator[str]:
    """The file piece by piece: a long trace need not be in memory as text."""
    encode = json.JSONEncoder(allow_nan=False).encode
    before = '{"displayTimeUnit": "ns", "traceEvents": [\n'
    for event in events:
        yield before + encode(event)
        before = ",\n"
    yield "\n]}\n"
