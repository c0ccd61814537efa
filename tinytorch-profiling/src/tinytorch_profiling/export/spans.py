"""Scopes and calls of a recording as bars on tracks, which is what every picture of a program's run draws.

On a track, a bar lies in another one or apart from it. Threads nest so by nature; tasks of asyncio, which take turns in
one thread, do not, and get a track each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tinytorch_profiling.events import Call, Recording, Scope

Memory = Sequence[tuple[int, Mapping[str, int]]]  # from this nanosecond on, so many bytes of each category


@dataclass(slots=True, eq=False)
class Span:
    """A bar: one call or one scope, from when to when in nanoseconds, and how many others it lies in."""

    source: Call | Scope
    end: int
    depth: int = 0

    @property
    def start(self) -> int:
        """When it began."""
        return self.source.start

    @property
    def kind(self) -> str:
        """The kind of the scope; of a call where in training it was made: forward, backward or step."""
        return self.source.kind if isinstance(self.source, Scope) else self.source.phase

    @property
    def name(self) -> str:
        """The op, or the scope's name; of a module in a module only what comes after the outer one's path."""
        if isinstance(self.source, Call):
            return self.source.op
        outer = self.source.parent and self.source.parent.enclosing("module")
        return self.source.name.removeprefix(f"{outer.name}.") if outer is not None else self.source.name


@dataclass(slots=True, eq=False)
class Track:
    """Bars of one thread in the order of beginning, outer ones first."""

    name: str
    spans: list[Span] = field(default_factory=list)

    def walk(self, enter: Callable[[Span], object], leave: Callable[[Span], object]) -> None:
        """Tell when each bar begins and ends, in the order of time."""
        inside: list[Span] = []
        for span in self.spans:
            while len(inside) > span.depth:
                leave(inside.pop())
            enter(span)
            inside.append(span)
        while inside:
            leave(inside.pop())


def tracks(recording: Recording) -> list[Track]:
    """Lay all scopes and calls out, the thread first that the profile was opened in."""
    lanes: dict[int, list[_Lane]] = defaultdict(list)
    lane_of: dict[Call | Scope, _Lane] = {}
    for span in sorted(_spans(recording), key=lambda span: (span.start, -span.end)):
        own = lanes[span.source.thread]
        around = _around(span.source)
        outer = lane_of.get(around) if around is not None else None
        lane = next((each for each in [outer, *own] if each in own and each.takes(span)), None)
        if lane is None:
            lane = _Lane()
            own.append(lane)
        lane.put(span)
        lane_of[span.source] = lane
    threads = sorted(lanes, key=lambda thread: thread != recording.thread)
    return [
        Track(_title(number, place), lane.spans)
        for number, thread in enumerate(threads, start=1)
        for place, lane in enumerate(lanes[thread], start=1)
    ]


class _Lane:
    """A track that is being filled."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.open: list[Span] = []

    def takes(self, span: Span) -> bool:
        """Whether a bar that begins no earlier than all before it lies in the innermost open one, or apart."""
        while self.open and self.open[-1].end <= span.start:
            self.open.pop()
        return not self.open or span.end <= self.open[-1].end

    def put(self, span: Span) -> None:
        span.depth = len(self.open)
        self.spans.append(span)
        self.open.append(span)


def _spans(recording: Recording) -> Iterator[Span]:
    for scope in recording.scopes:  # before calls: where both begin and end together, the scope is the outer one
        yield Span(scope, scope.end)
    for call in recording.calls:
        yield Span(call, call.end)


def _around(source: Call | Scope) -> Call | Scope | None:
    return source.parent if isinstance(source, Scope) else source.parent or source.scope


def _title(number: int, place: int) -> str:
    return f"thread {number}" if place == 1 else f"thread {number}, task {place}"
