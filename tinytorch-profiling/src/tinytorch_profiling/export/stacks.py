"""A recording as stacks: what lay in what, for how long; for speedscope.app and for flame graphs.

A stack is a path of scopes and calls. Its own time is what no call or scope inside it took, so that the times of all
stacks add up to the time of the outermost ones.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from tinytorch_profiling.events import Recording
from tinytorch_profiling.export.files import expect_suffix, write
from tinytorch_profiling.export.spans import Span, Track, tracks

SCHEMA = "https://www.speedscope.app/file-format-schema.json"
NOT_IN_A_NAME = str.maketrans({";": ":", "\n": " ", "\r": " "})  # they divide stacks and lines


def export_speedscope(recording: Recording, path: str | Path) -> None:
    """Write a file for https://www.speedscope.app, a profile for each thread; nothing is sent to it."""
    expect_suffix(path, "export_speedscope", ".json")
    write(path, [json.dumps(speedscope(recording))])


def export_stacks(recording: Recording, path: str | Path) -> None:
    """Write lines as `GPT;blocks.0;linear 123`, in nanoseconds of own time, as flamegraph.pl and inferno read them."""
    write(path, [f"{';'.join(stack)} {time}\n" for stack, time in stacks(recording).items() if time > 0])


def stacks(recording: Recording) -> Counter[tuple[str, ...]]:
    """Add up the own time of equal stacks, in nanoseconds; where there are several threads, each is a stack's root."""
    own: Counter[tuple[str, ...]] = Counter()
    rows = tracks(recording)
    for track in rows:
        path: list[str] = [track.name] if len(rows) > 1 else []

        def enter(span: Span, path: list[str] = path) -> None:
            if span.depth:
                own[tuple(path)] -= span.end - span.start
            path.append(span.name.translate(NOT_IN_A_NAME))
            own[tuple(path)] += span.end - span.start

        def leave(_: Span, path: list[str] = path) -> None:
            path.pop()

        track.walk(enter, leave)
    return own


def speedscope(recording: Recording) -> dict[str, Any]:
    """Make the object that speedscope reads."""
    frames: dict[str, int] = {}
    profiles = [_profile(track, frames, recording.start) for track in tracks(recording)]
    return {
        "$schema": SCHEMA,
        "name": "tinytorch",
        "exporter": "tinytorch-profiling",
        "activeProfileIndex": 0,
        "shared": {"frames": [{"name": name} for name in frames]},
        "profiles": profiles,
    }


def _profile(track: Track, frames: dict[str, int], zero: int) -> dict[str, Any]:
    """One thread, as openings and closings; frames are numbered as they come."""
    events: list[dict[str, Any]] = []

    def note(kind: str, span: Span, moment: int) -> None:
        events.append({"type": kind, "frame": frames.setdefault(span.name, len(frames)), "at": moment - zero})

    track.walk(lambda span: note("O", span, span.start), lambda span: note("C", span, span.end))
    return {
        "type": "evented",
        "name": track.name,
        "unit": "nanoseconds",
        "startValue": min((event["at"] for event in events), default=0),
        "endValue": max((event["at"] for event in events), default=0),
        "events": events,
    }
