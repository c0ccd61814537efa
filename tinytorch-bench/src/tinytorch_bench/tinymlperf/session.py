"""A task from its files to its result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tinytorch.types import Array
from tinytorch_bench.tinymlperf import loadgen, runner
from tinytorch_bench.tinymlperf.quality import quality
from tinytorch_bench.tinymlperf.result import Quality, Result, breaches
from tinytorch_bench.tinymlperf.runner import OFFICIAL, Performance, Rules
from tinytorch_bench.tinymlperf.samples import Samples, drawn, read
from tinytorch_bench.tinymlperf.systems import System, system
from tinytorch_bench.tinymlperf.tasks import MissingError, Precision, Scenario, Task

BATCH = 64  # samples that are asked about together, offline
DRAWN = 8  # inputs where there are no samples
Tell = Callable[[str], None]


def measured(
    task: Task,
    folder: Path,
    precision: Precision = Precision.INT8,
    scenario: Scenario = Scenario.SINGLE_STREAM,
    rules: Rules = OFFICIAL,
    by_loadgen: bool = False,
    tell: Tell = lambda text: None,
) -> Result:
    """Measure a task's quality and speed; where its model is not to be had, the result says so and has neither.

    Raises TinyError for files that are not what they should be.
    """
    batch = BATCH if scenario == Scenario.OFFLINE else 1
    try:
        made = system(task, precision, folder)
    except MissingError as error:
        return Result(task, precision, scenario, batch, told=str(error))
    samples = read(task, folder)
    found = samples and _judged(task, made, samples, rules, batch, by_loadgen, tell)
    inputs = drawn(task, max(DRAWN, batch)) if samples is None else _first(samples, max(rules.windows, batch))
    timed = _timed(made, inputs, rules, batch, by_loadgen, tell)
    return Result(
        *(task, precision, scenario, batch, made.model, made.digest),
        quality=found,
        unjudged="" if samples else f"no real samples: {task.hint}",
        performance=timed,
        inputs=samples.source if samples else "drawn numbers of the right shape and range",
        breaches=[*rules.breaches(), *breaches(task, scenario, found, timed)],
    )


def _judged(
    task: Task, made: System, samples: Samples, rules: Rules, batch: int, by_loadgen: bool, tell: Tell
) -> Quality:
    chosen = _some(samples, rules.files)
    inputs = np.concatenate(chosen.files)
    if by_loadgen:
        tell("accuracy, by LoadGen")
        found = loadgen.answers(made, inputs, batch)
    else:
        asked = runner.answers(made, inputs, batch)
        found = np.concatenate(list(_told(asked, "accuracy: {} of {}", -(-len(inputs) // batch), tell)))
    ends = np.cumsum([len(file) for file in chosen.files])
    value = quality(task, chosen, np.split(found, ends[:-1]))
    return Quality(value, len(chosen.files), len(samples.files), samples.source)


def _some(samples: Samples, count: int | None) -> Samples:
    """So many files, the same ones in every run, all if None."""
    if count is None or count >= len(samples.files):
        return samples
    places = np.sort(np.random.default_rng(0).permutation(len(samples.files))[:count])
    return samples._replace(files=[samples.files[place] for place in places], labels=samples.labels[places])


def _first(samples: Samples, count: int) -> Array:
    """The first window of so many files: (count, *shape)."""
    return np.concatenate([file[:1] for file in samples.files[:count]])


def _timed(made: System, inputs: Array, rules: Rules, batch: int, by_loadgen: bool, tell: Tell) -> Performance:
    made(inputs[:batch])  # what gives no answers is refused before time is spent
    if by_loadgen:
        runs = loadgen.performance(made, inputs, rules, batch)
        return loadgen.summed(list(_told(runs, "window {} of {}, by LoadGen", rules.windows, tell)))
    windows = runner.performance(made, inputs, rules, batch)
    return Performance.of(list(_told(windows, "window {} of {}", rules.windows, tell)))


def _told(things: Iterable[Any], text: str, count: int, tell: Tell) -> Iterator[Any]:
    """Give them one by one, and tell how far it is."""
    tell(text.format(0, count))
    for number, each in enumerate(things, 1):
        yield each
        tell(text.format(number, count))
