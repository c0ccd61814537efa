"""Submissions made up from a seed: valid in everything, measured by nobody."""

import copy
from datetime import UTC, datetime, timedelta

import numpy as np

from tinytorch_bench.competition.event import EVENTS
from tinytorch_bench.competition.running import KIND, VERSION, finished

MACHINE = {
    "processor": "Example 9000",
    "processors": 8,
    "system": "Linux-6.1-x86_64",
    "python": "3.11.7",
    "numpy": "2.4.6",
    "tinytorch": "0.1.0",
    "blas": "openblas 0.3.31",
    "threads": 1,
    "plugins": [{"name": "accel", "version": "0.1.0", "options": {}, "ops": {"matmul": "float32 exact"}}],
}
START = datetime(2025, 1, 2, 12, tzinfo=UTC)  # and some months, none of which may be to come


def made_up(seed=0, key="mlp-sprint/digits", team="the example", faster=2.0, **changes):
    """A submission of an entry that is so much faster, with times of that seed; `changes` replace what it says."""
    event, random = EVENTS[key], np.random.default_rng(seed)
    samples = max(round(event.gate * event.samples) + 2, 1)
    model = {"origin": "baseline", "bytes": event.bytes, "parameters": event.bytes // 4, "correct": samples}
    parts = []
    for place, name in enumerate(event.disciplines):
        baseline = 1e-3 * (place + 1) * np.exp(0.02 * random.standard_normal(20))
        entry = 1e-3 * (place + 1) / faster * np.exp(0.02 * random.standard_normal(20))
        parts.append({"name": name, "baseline": baseline.tolist(), "entry": entry.tolist(), "joules": None})
    submission = {
        "kind": KIND,
        "version": VERSION,
        "event": event.name,
        "track": event.track,
        "event_version": event.version,
        "team": team,
        "title": "an entry",
        "written": (START + timedelta(days=seed)).isoformat(timespec="seconds"),
        "machine": copy.deepcopy(MACHINE),
        "warnings": [],
        "energy": "not measured: there is no energy counter",
        "baseline": {**model, "applied": []},
        "entry": {**model, "applied": []},
        "difference": 1e-6,
        "disciplines": parts,
    }
    return finished({**submission, **changes})
