"""A thing beside itself on the real clock: how often `tinytorch bench compare` calls two equal runs different.

    OPENBLAS_NUM_THREADS=1 python benchmarks/same_twice.py --pairs 50 --folder runs

Each run is a process of its own, as on CI; a folder's runs are not made again. Compared are runs that follow each
other, one with one; the same by what `compare` would say of even times; and five with five that were taken in turn.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from tinytorch_bench import Comparison, Run, compare, load
from tinytorch_bench.comparing import verdict
from tinytorch_bench.samples import unpaired

FIVE = 5
MODELS = ("mlp", "cnn")
RUN = """
import sys
from tinytorch import datasets, manual_seed, models
from tinytorch_bench import Benchmark, Timing
manual_seed(0)
nets = {"mlp": models.mlp(64, 128, 10), "cnn": models.digits_cnn()}
Benchmark(nets, {"digits": datasets.digits()[1]}).run(Timing(seconds=float(sys.argv[2]))).save(sys.argv[1])
"""


def main() -> None:
    """Compare, and count."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--pairs", type=int, default=50)
    arguments.add_argument("--seconds", type=float, default=0.01, help="of a burst")
    arguments.add_argument("--folder", type=Path, required=True, help="where runs are kept")
    options = arguments.parse_args()
    options.folder.mkdir(exist_ok=True)
    pairs = [(made(options, number, "a"), made(options, number, "b")) for number in range(options.pairs)]
    first, second = ([pair[side] for pair in pairs] for side in (0, 1))
    disturbed = sum(any("too noisy" in warning for warning in run.warnings) for run in (*first, *second))
    print(f"runs on a machine that was called too noisy: {disturbed} of {2 * options.pairs}")
    tell("one with one", map(compare, first, second))
    tell("five with five", (compare(*each) for each in groups(first, second)))
    even = [unpaired(yards(one, model), yards(two, model)) for one, two in pairs for model in MODELS]
    plain = [verdict(ratio) for ratio in even]
    print(f"one with one, as if times were even: {plain.count('no difference shown')} of {len(plain)}")


def made(options: argparse.Namespace, number: int, side: str) -> Run:
    """Give a run of the folder, made if it is not there."""
    path = options.folder / f"{number}{side}.json"
    if not path.exists():
        subprocess.run([sys.executable, "-c", RUN, path, str(options.seconds)], check=True)
    return load(path)


def groups(first: Sequence[Run], second: Sequence[Run]) -> Iterable[tuple[Sequence[Run], Sequence[Run]]]:
    """Five runs and five others, taken in turn."""
    for start in range(0, len(first) - FIVE + 1, FIVE):
        yield first[start : start + FIVE], second[start : start + FIVE]


def yards(run: Run, model: str) -> list[float]:
    """A model's times in yardsticks."""
    return [mine / its for mine, its in zip(run.row(model).seconds, run.yardstick["seconds"], strict=True)]


def tell(what: str, found: Iterable[Comparison]) -> None:
    """Say how many comparisons show no difference, how wide they are, and how many would fail above 5 %."""
    changes = [change for each in found for change in each.changes]
    equal = sum(change.verdict == "no difference shown" for change in changes)
    reach = sorted(change.ratio.high / change.ratio.median - 1 for change in changes)[len(changes) // 2]
    failed = sum(bool(change.regressions) for change in changes)
    print(
        f"{what}: {equal} of {len(changes)} show no difference; half of the intervals reach {100 * reach:.0f} % above"
    )
    print(f"{what}: {failed} regressions above 5 %")


if __name__ == "__main__":
    main()
