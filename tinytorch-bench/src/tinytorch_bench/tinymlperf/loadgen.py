"""MLCommons' own load generator in place of our runner: it says which sample is next, and keeps the time.

Package `mlcommons-loadgen`, an extra. It calls back in our thread, so that the plugins in force stay in force, and an
interruption passes through it. What it found is read from the logs that it writes; accuracy is judged from the answers
in its accuracy log, not from those that we have at hand. Its latencies are held against our clock in the same run.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinytorch.types import Array
from tinytorch_bench.tinymlperf.runner import PERCENTILE, Performance, Rules, percentile
from tinytorch_bench.tinymlperf.systems import System
from tinytorch_bench.tinymlperf.tasks import TinyError

MARK = ":::MLLOG "  # begins each line of its log
FEWEST = 64  # queries, below which it cannot judge the 90th percentile
MORE = 3.0  # times as many samples as should last long enough: a run that has no more of them is no result
PAUSE = 0.01  # seconds
KEPT = 1024  # samples that are ready at once, at most


def module() -> Any:
    """Import it; raises TinyError that says what to install."""
    try:
        import mlperf_loadgen
    except ImportError as error:
        raise TinyError("--loadgen needs mlcommons-loadgen: pip install 'tinytorch-bench[loadgen]'") from error
    return mlperf_loadgen


def performance(system: System, inputs: Array, rules: Rules, batch: int = 1) -> Iterator[dict[str, Any]]:
    """Give what each window measured: a run of LoadGen's over inputs (n, *shape), offline where batches are larger."""
    under = Under(system, inputs, batch)
    for _ in range(rules.windows):
        rate = under.rate(rules.warm_up)
        under.clocked.clear()
        logs = under.run("PerformanceOnly", rules.seconds, rate)
        yield {"valid": logs["result_validity"] == "VALID"} | (
            _stream(logs, under.clocked) if batch == 1 else {"throughput": logs["result_samples_per_second"]}
        )


def _stream(logs: dict[str, Any], clocked: Sequence[float]) -> dict[str, Any]:
    return {
        "throughput": logs["result_qps_with_loadgen_overhead"],
        "p90": 1e-9 * logs["result_90.00_percentile_latency_ns"],
        "median": 1e-9 * logs["result_50.00_percentile_latency_ns"],
        "own_p90": percentile(np.array(clocked), PERCENTILE),
    }


def summed(windows: Sequence[dict[str, Any]]) -> Performance:
    """Sum up: the median of each figure over the windows."""
    names = [name for name in windows[0] if name != "valid"]
    middle = {name: statistics.median(each[name] for each in windows) for name in names}
    return Performance(**middle, windows=list(windows), measured_by="LoadGen")


def answers(system: System, inputs: Array, batch: int = 1) -> Array:
    """Ask about all inputs (n, *shape) by LoadGen's accuracy run: (n, outputs), from its log."""
    found = Under(system, inputs, batch).run("AccuracyOnly", 0.0, 1.0)["answers"]
    if sorted(found) != list(range(len(inputs))):
        raise TinyError(f"LoadGen's accuracy log has {len(found)} answers to {len(inputs)} samples")
    return np.stack([found[index] for index in range(len(inputs))])


class Under:
    """The system under test and the library of samples, as LoadGen calls them."""

    def __init__(self, system: System, inputs: Array, batch: int) -> None:
        self.system, self.inputs, self.batch = system, inputs, batch
        self.ready: dict[int, Any] = {}  # inputs by index: prepared, or to be put into a batch
        self.clocked: list[float] = []  # seconds of each call, by our clock
        self.error: BaseException | None = None
        self.pause = 0.0  # of a query after an error: a run that has to last must not fill the disk with its log
        self.lg = module()

    def rate(self, seconds: float) -> float:
        """Say how many samples a second may be expected, for LoadGen prepares all that a run shall take."""
        given, count = self.system.prepare(np.take(self.inputs, range(self.batch), axis=0, mode="wrap")), 0
        begin = time.perf_counter()
        while time.perf_counter() - begin < seconds or not count:
            self.system.infer(given)
            count += 1
        return self.batch * count / (time.perf_counter() - begin)

    def run(self, mode: str, seconds: float, rate: float) -> dict[str, Any]:
        """Let LoadGen run, and give what its logs say, with the answers under `answers`."""
        self.pause = PAUSE if seconds else 0.0
        with tempfile.TemporaryDirectory() as folder:
            under = self.lg.ConstructSUT(self._issue, lambda: None)
            library = self.lg.ConstructQSL(len(self.inputs), min(len(self.inputs), KEPT), self._load, self._unload)
            try:
                self.lg.StartTestWithLogSettings(
                    under, library, self._settings(mode, seconds, rate), self._logs(folder)
                )
            finally:
                self.lg.DestroyQSL(library)
                self.lg.DestroySUT(under)
            if self.error is not None:
                raise self.error
            return _read(Path(folder))

    def _settings(self, mode: str, seconds: float, rate: float) -> Any:
        settings = self.lg.TestSettings()
        settings.mode = getattr(self.lg.TestMode, mode)
        settings.scenario = self.lg.TestScenario.SingleStream if self.batch == 1 else self.lg.TestScenario.Offline
        settings.min_duration_ms = int(1000 * seconds)
        settings.min_query_count = FEWEST if self.batch == 1 else 1
        settings.single_stream_expected_latency_ns = int(1e9 / (MORE * rate))
        settings.offline_expected_qps = MORE / 2 * rate  # all of them are answered
        return settings

    def _logs(self, folder: str) -> Any:
        output, logs = self.lg.LogOutputSettings(), self.lg.LogSettings()
        output.outdir, output.copy_summary_to_stdout = folder, False
        logs.log_output, logs.enable_trace = output, False
        return logs

    def _load(self, indices: Sequence[int]) -> None:
        """Make inputs ready, untimed."""
        for index in indices:
            given = self.inputs[index : index + 1]
            self.ready[index] = self.system.prepare(given) if self.batch == 1 else given

    def _unload(self, indices: Sequence[int]) -> None:
        for index in indices:
            del self.ready[index]

    def _issue(self, queries: Sequence[Any]) -> None:
        """Answer queries, in batches; after an error, none: no error may pass through LoadGen's C++."""
        try:
            if self.error is None:
                for start in range(0, len(queries), self.batch):
                    self._answer(queries[start : start + self.batch])
                return
            time.sleep(self.pause)
        except BaseException as error:  # noqa: BLE001  it is raised again when LoadGen has returned
            self.error = error
        self.lg.QuerySamplesComplete([self.lg.QuerySampleResponse(query.id, 0, 0) for query in queries])

    def _answer(self, queries: Sequence[Any]) -> None:
        begin = time.perf_counter()
        given = [self.ready[query.index] for query in queries]
        out = self.system.infer(given[0] if self.batch == 1 else self.system.prepare(np.concatenate(given)))
        rows = np.ascontiguousarray(self.system.numbers(out))
        self.lg.QuerySamplesComplete(
            [
                self.lg.QuerySampleResponse(each.id, row.ctypes.data, row.nbytes)
                for each, row in zip(queries, rows, strict=True)
            ]
        )
        self.clocked.append(time.perf_counter() - begin)


def _read(folder: Path) -> dict[str, Any]:
    """What the detailed log says by its keys, and the answers by their samples."""
    lines = (folder / "mlperf_log_detail.txt").read_text("utf-8").splitlines()
    entries = [json.loads(line.removeprefix(MARK)) for line in lines if line.startswith(MARK)]
    logged = json.loads((folder / "mlperf_log_accuracy.json").read_text("utf-8"))
    answers = {each["qsl_idx"]: np.frombuffer(bytes.fromhex(each["data"]), np.float32) for each in logged}
    return {**{entry["key"]: entry["value"] for entry in entries}, "answers": answers}
