"""What follows from what was measured: score, accuracy, division, whether the gate is passed, the digest.

All of it is computed anew when a submission is validated; what a file says of it is only compared.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from tinytorch_bench.competition.event import CLOSED, EVENTS, OPEN, SIZE, Event
from tinytorch_bench.statistics import ratio

POST_TRAINING = frozenset({("quant", "quantize")})  # transforms of the closed division: plugin and name
ALIKE = 1e-3  # of the largest number: by which plugins that change no result may differ, all layers together
DISTANCE = r"\w+ (exact|close \(rtol [0-9.e+-]+, atol [0-9.e+-]+\))"  # how an implementation's promise is told
PROMISE = re.compile(f"{DISTANCE}(, {DISTANCE})*")


def event_of(submission: Mapping[str, Any]) -> Event:
    """Find the event that a submission is for; ValueError where there is none."""
    key = f"{submission['event']}/{submission['track']}"
    if key not in EVENTS:
        raise ValueError(f"event: there is no '{key}'; there are {', '.join(EVENTS)}")
    return EVENTS[key]


def derived(submission: Mapping[str, Any]) -> dict[str, Any]:
    """Compute all that follows from a submission's measurements."""
    event, parts = event_of(submission), submission["disciplines"]
    per_round = _per_round(event, submission)
    found = ratio(per_round, [1.0] * len(per_round))
    sizes = [submission[side]["bytes"] for side in ("baseline", "entry")]
    ratios = {part["name"]: statistics.median(_ratios(part)) for part in parts}
    accuracies = {side: submission[side]["correct"] / event.samples for side in ("baseline", "entry")}
    return {
        "score": found.median,
        "low": found.low,
        "high": found.high,
        "ratios": {**ratios, **({SIZE: sizes[0] / sizes[1]} if event.sized else {})},
        "accuracy": accuracies,
        "passed": accuracies["entry"] >= event.gate,
        "division": division(submission),
    }


def _per_round(event: Event, submission: Mapping[str, Any]) -> list[float]:
    """The geometric mean of all disciplines' ratios, baseline to entry, for each round."""
    rounds = zip(*(_ratios(part) for part in submission["disciplines"]), strict=True)
    size = [submission["baseline"]["bytes"] / submission["entry"]["bytes"]] if event.sized else []
    return [_geometric([*values, *size]) for values in rounds]


def _ratios(part: Mapping[str, Any]) -> list[float]:
    return [mine / its for mine, its in zip(part["baseline"], part["entry"], strict=True)]


def _geometric(values: Sequence[float]) -> float:
    return math.exp(statistics.fmean(map(math.log, values)))


def division(submission: Mapping[str, Any]) -> str:
    """Closed where only what keeps the learned weights was done to the baseline, by plugins that promise the numbers.

    That is: the entry was made from the run's own baseline, by nothing but one post-training quantization; each op of
    each plugin declares how near it stays to the core's; and where nothing was applied, it gave the baseline's results.
    Whatever is not known to be so is open.
    """
    if submission["entry"]["origin"] != "baseline":
        return OPEN
    applied = [(each["plugin"], each["name"]) for each in submission["entry"]["applied"]]
    if not POST_TRAINING.issuperset(applied) or len(set(applied)) < len(applied):
        return OPEN
    if not submission["entry"]["applied"] and submission["difference"] > ALIKE:
        return OPEN
    told = [text for plugin in submission["machine"]["plugins"] for text in plugin["ops"].values()]
    return CLOSED if all(map(PROMISE.fullmatch, told)) else OPEN


def digest(submission: Mapping[str, Any]) -> str:
    """SHA-256 over everything that a submission says, but the digest itself.

    It has no secret: it shows that a file was changed by accident, or by somebody who did not compute it anew.
    """
    content = {name: value for name, value in submission.items() if name != "digest"}
    return f"sha256:{hashlib.sha256(_canonical(content)).hexdigest()}"


def fingerprint(submission: Mapping[str, Any]) -> str:
    """SHA-256 over the times alone, to four digits and sorted: who hands in the same ones again, has not measured.

    Like the digest it finds what was repeated, not what was made up.
    """
    sides = [
        [part["name"], *(_few_digits(part[side]) for side in ("baseline", "entry"))]
        for part in submission["disciplines"]
    ]
    return hashlib.sha256(_canonical(sides)).hexdigest()


def _few_digits(times: Sequence[float]) -> list[str]:
    return sorted(f"{seconds:.3e}" for seconds in times)


def _canonical(value: Any) -> bytes:
    """JSON in one form: names sorted, no spaces, numbers as Python's repr has them, which gives them back exactly."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
