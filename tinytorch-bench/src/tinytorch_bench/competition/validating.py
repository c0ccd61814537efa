"""Validation: a submission is believed in nothing that can be checked, and each refusal says what is wrong.

Its form by the JSON Schema; its event, gate and baseline by the table of events; what follows from its times by
computing it again; its times by what clocks and processors can do. What it cannot show: that the times were measured,
by that team, with the plugins that it names. Whoever writes a file by hand and computes everything anew is not found.
"""

from __future__ import annotations

import math
import os
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tinytorch_bench.competition.event import CLOSED, Event
from tinytorch_bench.competition.scoring import derived, digest, division, event_of
from tinytorch_bench.reading import FormatError, checked, read

SCHEMA = "submission-1"
FIRST_DAY = datetime(2025, 1, 1, tzinfo=UTC)  # before this there were no events
AHEAD = timedelta(hours=1)  # by which clocks may differ
SHORTEST = 2e-6  # seconds in which Python calls a model and gets an answer
SAME = 0.5  # of a list's times that may be equal
TICK = 1e-9  # seconds: what is nearer to each other is one time
DISTINCT = 10  # times, or half of all where that is less
SMALLEST = 8  # of the baseline's bytes: a closed entry has an eighth, four bits, or more
HIGHEST = 1000.0  # score or ratio: the fastest that is known is about ten
ALIKE = 1e-7  # of two ratios: clocks give no nearer ones, and a forger who divides does
NOT_MEASURED = "not measured"
LONGEST_NAME = 60  # characters
BLANK = "\u115f\u1160\u2800\u3164\uffa0"  # letters and symbols with nothing to see
EXACT = 1e-9  # by which a number may differ that is computed again, on another machine
Finding = Iterator[str]


def read_submission(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a submission and check everything; FormatError says what is wrong with it."""
    submission = read(Path(path), SCHEMA)
    _check(submission, f"{path}: ")
    return submission


def validate(submission: Any) -> dict[str, Any]:
    """Check everything of a submission that was read already."""
    found = checked(submission, SCHEMA)
    _check(found, "")
    return found


def _check(submission: dict[str, Any], where: str) -> None:
    try:
        event = event_of(submission)
    except ValueError as error:
        raise FormatError(f"{where}{error}") from error
    for test in TESTS:
        for told in test(submission, event):
            raise FormatError(f"{where}{told}")


def check_name(what: str, text: str) -> None:
    """Refuse a team or a title that cannot be read, or that looks like another one; FormatError says why."""
    for told in _misnamed(what, text):
        raise FormatError(told)


def _misnamed(what: str, text: str) -> Finding:
    if not 1 <= len(text) <= LONGEST_NAME:
        yield f"{what}: expected 1 to {LONGEST_NAME} characters, got {len(text)}"
        return
    if text != text.strip():
        yield f"{what}: expected a text without spaces around it, got {text!r}"
    kinds = [unicodedata.category(letter) for letter in text]
    hidden = any(kind[0] == "C" for kind in kinds) or kinds[0][0] == "M" or any(map(_blank, text))
    if hidden or not any(kind[0] in "LN" for kind in kinds):
        yield f"{what}: expected letters or digits, and nothing invisible, got {text!a}"
    if unicodedata.normalize("NFC", text) != text:
        yield f"{what}: expected composed characters (NFC), got {text!a}"


def _blank(letter: str) -> bool:
    return letter in BLANK or "\ufe00" <= letter <= "\ufe0f" or "\U000e0100" <= letter <= "\U000e01ef"


def _names(submission: Mapping[str, Any], event: Event) -> Finding:
    for name in ("team", "title"):
        yield from _misnamed(name, submission[name])


def _version(submission: Mapping[str, Any], event: Event) -> Finding:
    if submission["event_version"] != event.version:
        told = submission["event_version"]
        yield f"event_version: expected {event.version} of {event.key}, got {told}; scores of versions do not compare"


def _date(submission: Mapping[str, Any], event: Event) -> Finding:
    try:
        written = datetime.fromisoformat(submission["written"])
    except ValueError:
        yield f"written: there is no such time as {submission['written']}"
        return
    if written > datetime.now(UTC) + AHEAD:
        yield f"written: {submission['written']} is in the future"
    if written < FIRST_DAY:
        yield f"written: {submission['written']} is before the first event"


def _plugins(submission: Mapping[str, Any], event: Event) -> Finding:
    names = [plugin["name"] for plugin in submission["machine"]["plugins"]]
    for name in names:
        if names.count(name) > 1:
            yield f"machine/plugins: '{name}' stands there twice"
    if division(submission) == CLOSED:
        for step in submission["entry"]["applied"]:
            if step["plugin"] not in names:
                yield f"entry/applied: '{step['name']}' is of '{step['plugin']}', which is not among machine/plugins"


def _models(submission: Mapping[str, Any], event: Event) -> Finding:
    baseline, entry = submission["baseline"], submission["entry"]
    if baseline["origin"] != "baseline" or baseline["applied"]:
        yield "baseline: expected it as the event has it, without transforms"
    if baseline["bytes"] != event.bytes:
        yield f"baseline/bytes: {event.key} has {event.bytes:,}, got {baseline['bytes']:,}"
    sizes = [(model["bytes"], model["parameters"]) for model in (baseline, entry)]
    if entry["origin"] == "baseline" and not entry["applied"] and sizes[0] != sizes[1]:
        yield "entry: its size differs from the baseline's, but nothing was applied to it"
    if division(submission) == CLOSED and entry["bytes"] * SMALLEST < baseline["bytes"]:
        yield f"entry/bytes: expected an eighth of the baseline's or more in the closed one, got {entry['bytes']:,}"
    if baseline["parameters"] * 4 > baseline["bytes"]:
        yield "baseline/parameters: they do not fit into its bytes"


def _quality(submission: Mapping[str, Any], event: Event) -> Finding:
    for side in ("baseline", "entry"):
        correct = submission[side]["correct"]
        if correct > event.samples:
            yield f"{side}/correct: {correct} of {event.samples} samples"
        elif correct / event.samples < event.gate:
            share = f"{100 * correct / event.samples:.2f} %"
            yield f"{side}: {share} of the samples are right, the gate of {event.key} is {100 * event.gate:g} %"


def _disciplines(submission: Mapping[str, Any], event: Event) -> Finding:
    names = tuple(part["name"] for part in submission["disciplines"])
    if names != event.disciplines:
        yield f"disciplines: expected {', '.join(event.disciplines)}, got {', '.join(names)}"
    counts = {len(part[side]) for part in submission["disciplines"] for side in ("baseline", "entry")}
    if len(counts) > 1:
        yield f"disciplines: expected as many times of each side and discipline, got {sorted(counts)}"


def _times(submission: Mapping[str, Any], event: Event) -> Finding:
    seen: set[tuple[float, ...]] = set()
    for part in submission["disciplines"]:
        for side in ("baseline", "entry"):
            times, where = part[side], f"disciplines/{part['name']}/{side}"
            if min(times) < SHORTEST:
                yield f"{where}: {min(times):g} s is less than a call takes"
            if _distinct(times, TICK) < min(SAME * len(times), DISTINCT):
                yield f"{where}: most of the times are equal, which no clock gives"
            if tuple(times) in seen:
                yield f"{where}: the same times stand there twice"
            seen.add(tuple(times))
        if max(part["baseline"]) > event.slowest:
            yield f"disciplines/{part['name']}/baseline: {max(part['baseline']):g} s, {event.slowest:g} s are the most"
        ratios = [mine / its for mine, its in zip(part["baseline"], part["entry"], strict=True)]
        if max(ratios) > HIGHEST:
            yield f"disciplines/{part['name']}: a ratio of {max(ratios):g}, {HIGHEST:g} is the most"
        if _distinct(ratios, ALIKE * ratios[0]) < min(SAME * len(ratios), DISTINCT):
            yield f"disciplines/{part['name']}: most of the ratios are equal, which no clock gives"


def _distinct(values: list[float], step: float) -> int:
    """How many values differ by a step."""
    return len({round(value / step) for value in values})


def _energy(submission: Mapping[str, Any], event: Event) -> Finding:
    measured = not submission["energy"].startswith(NOT_MEASURED)
    if any((part["joules"] is not None) != measured for part in submission["disciplines"]):
        yield f"disciplines: expected joules where energy is measured, and nowhere else, got {submission['energy']!r}"


def _derived(submission: Mapping[str, Any], event: Event) -> Finding:
    for name, value in _flat(derived(submission)).items():
        told = _flat(submission["derived"]).get(name)
        if not _agree(told, value):
            yield f"derived/{name}: {told!r} is not what follows from the measurements, {value!r}"
    for name in _flat(submission["derived"]).keys() - _flat(derived(submission)).keys():
        yield f"derived/{name}: nothing of that name follows from the measurements"


def _flat(values: Mapping[str, Any], place: str = "") -> dict[str, Any]:
    found = {}
    for name, value in values.items():
        found.update(_flat(value, f"{place}{name}/") if isinstance(value, Mapping) else {f"{place}{name}": value})
    return found


def _agree(told: Any, value: Any) -> bool:
    if isinstance(value, float) and isinstance(told, int | float) and not isinstance(told, bool):
        return math.isclose(told, value, rel_tol=EXACT)
    return type(told) is type(value) and bool(told == value)


def _digest(submission: Mapping[str, Any], event: Event) -> Finding:
    if submission["digest"] != digest(submission):
        yield "digest: it is not that of the content, which was changed after it was written"


TESTS: tuple[Callable[[Mapping[str, Any], Event], Finding], ...] = (
    _names,
    _version,
    _date,
    _plugins,
    _models,
    _quality,
    _disciplines,
    _times,
    _energy,
    _derived,
    _digest,
)
