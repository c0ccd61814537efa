"""`Benchmark(models, datasets, metrics)`: how good, how large and how fast models are, measured in one run.

Quality is measured over whole datasets. Times are those of one batch, all models in turn; what makes them doubtful (a
noisy machine, threads, drift, outliers, no steady state) is told beside them, and nothing is left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from tinytorch import nn, no_grad
from tinytorch.core.dataloader import DataLoader, Dataset
from tinytorch.core.training import accuracy
from tinytorch_bench import machine, noise, samples
from tinytorch_bench.models import applied_names, nbytes
from tinytorch_bench.run import Row, Run
from tinytorch_bench.timing import YARDSTICK_VERSION, Side, Taken, Timing, interleaved

Metric = Callable[[Any, Any], float]
EVALUATION_BATCH = 256
DRIFT = 0.10  # from the first round to the last


class Benchmark:
    """Models by name, datasets by name, and metrics `(outputs, targets) -> float`, which are means over rows.

    A dataset gives (inputs, targets) by number, as `TensorDataset` does. Without datasets or models there is nothing to
    measure, which raises ValueError.

    >>> from tinytorch import datasets, models
    >>> from tinytorch_bench import Benchmark, Timing
    >>> benchmark = Benchmark({"mlp": models.mlp(64, 16, 10)}, {"digits": datasets.digits()[1]})
    >>> benchmark.run(Timing(rounds=10, seconds=0.0)).row("mlp").bytes
    4840
    """

    def __init__(
        self,
        models: Mapping[str, nn.Module],
        datasets: Mapping[str, Dataset],
        metrics: Mapping[str, Metric] | None = None,
    ) -> None:
        for what, given, kind in (("models", models, nn.Module), ("datasets", datasets, Dataset)):
            if not isinstance(given, Mapping) or not given:
                raise ValueError(f"Benchmark: expected {what} by name, one or more, got {given!r}")
            for name, each in given.items():
                if not isinstance(name, str) or not name or not isinstance(each, kind):
                    raise ValueError(f"Benchmark: expected {what} by name, got {type(each).__name__} for {name!r}")
                if isinstance(each, Dataset) and not len(each):
                    raise ValueError(f"Benchmark: expected datasets with a row or more, got none in {name!r}")
        self.models, self.datasets = dict(models), dict(datasets)
        if metrics is not None and not isinstance(metrics, Mapping):
            raise ValueError(f"Benchmark: expected metrics by name, got {metrics!r}")
        self.metrics = {"accuracy": accuracy} if metrics is None else dict(metrics)

    def run(
        self,
        timing: Timing | None = None,
        *,
        batch: int = 1,
        progress: Callable[[Iterable[int]], Iterable[int]] = iter,
    ) -> Run:
        """Measure everything; `batch` rows are computed in a call whose time is taken."""
        fewest = min(len(each) for each in self.datasets.values())
        if not isinstance(batch, int) or not 1 <= batch <= fewest:
            raise ValueError(
                f"Benchmark.run: expected a batch of 1 to {fewest} rows, which all datasets have, got {batch}"
            )
        timing = timing or Timing()
        facts = {**machine.facts(), "plugins": machine.in_force()}
        disturbed = [f"this machine is too noisy to judge: {told}" for told in noise.warnings(timing.clock)]
        training = [module for model in self.models.values() for module in model.modules() if module.training]
        try:
            for model in self.models.values():
                model.eval()
            with no_grad():
                quality = {place: self._quality(*place) for place in self._places()}
                calls = {_key(*place): Side(self._call(*place, batch)) for place in quality}
                taken, yard = interleaved(calls, timing, progress)
        finally:
            for module in training:
                module.training = True
        counted = bool(timing.meter.counters)
        rows = [self._row(*place, quality[place], taken[_key(*place)], counted=counted) for place in quality]
        warnings = [*disturbed, *machine.thread_warnings(facts["threads"]), *_doubts(rows, yard)]
        return Run(
            datetime.now(UTC).isoformat(timespec="seconds"),
            facts,
            {"batch": batch, "rounds": timing.rounds, "seconds": float(timing.seconds)},
            {"version": YARDSTICK_VERSION, "seconds": yard},
            timing.meter.told or f"{len(timing.meter.counters)} processor packages, with all that runs on them",
            warnings,
            rows,
        )

    def _places(self) -> list[tuple[str, str]]:
        return [(model, dataset) for dataset in self.datasets for model in self.models]

    def _call(self, model: str, dataset: str, batch: int) -> Callable[[], Any]:
        net = self.models[model]
        (inputs, _) = next(iter(DataLoader(self.datasets[dataset], batch)))
        return lambda: net(inputs)

    def _quality(self, model: str, dataset: str) -> dict[str, float | None]:
        """The metrics' means over all rows; None for one that is not finite."""
        net, totals, rows = self.models[model], dict.fromkeys(self.metrics, 0.0), 0
        for inputs, targets in DataLoader(self.datasets[dataset], EVALUATION_BATCH):
            outputs = net(inputs)
            rows += len(inputs)
            for name, metric in self.metrics.items():
                totals[name] += float(metric(outputs, targets)) * len(inputs)
        means = {name: total / rows for name, total in totals.items()}
        return {name: mean if math.isfinite(mean) else None for name, mean in means.items()}

    def _row(self, model: str, dataset: str, quality: dict[str, float | None], taken: Taken, *, counted: bool) -> Row:
        net = self.models[model]
        joules = taken.joules / taken.calls if counted else None
        places = samples.outliers(taken.seconds)
        return Row(
            model, dataset, nbytes(net), quality, taken.seconds, taken.warm_up, places, joules, [*applied_names(net)]
        )


def _key(model: str, dataset: str) -> str:
    return f"{model}\0{dataset}"


def _doubts(rows: list[Row], yard: list[float]) -> list[str]:
    """Say what makes times doubtful, in a sentence each."""
    found = []
    moved = samples.drift(yard)
    if abs(moved) > DRIFT:
        found.append(f"the machine drifted: a fixed loop's time changed by {100 * moved:+.0f} % from first to last")
    for row in rows:
        name = f"{row.model} on {row.dataset}"
        if row.warm_up is None:
            found.append(f"{name}: its times never became steady before they were taken")
        if row.outliers:
            told = ", ".join(str(place + 1) for place in row.outliers)
            found.append(f"{name}: the times of rounds {told} are far from the others; they count like all")
        moved = samples.drift([mine / other for mine, other in zip(row.seconds, yard, strict=True)])
        if abs(moved) > DRIFT:
            found.append(f"{name}: its time changed by {100 * moved:+.0f} % from the first round to the last")
    return found
