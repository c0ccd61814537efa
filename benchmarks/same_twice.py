"""A thing beside itself on the real clock: how often `tinytorch bench compare` calls two equal runs different.

    OPENBLAS_NUM_THREADS=1 python benchmarks/same_twice.py --pairs 50

Each run is a process of its own, as on CI; runs are compared in pairs that follow each other. A second column compares
the seconds themselves, which is what the yardstick is there to better.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tinytorch_bench import compare, load
from tinytorch_bench.comparing import verdict
from tinytorch_bench.samples import unpaired

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
    arguments.add_argument("--seconds", type=float, default=0.02, help="of a burst")
    arguments.add_argument("--keep", type=Path, help="a folder for the runs")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = [pair(options.keep or Path(folder), number, options.seconds) for number in range(options.pairs)]
    rows = [row for each in found for row in each]
    for name, place in (("in yardsticks", 0), ("in seconds", 1)):
        different = sum(row[place] != "no difference shown" for row in rows)
        print(f"{name}: {len(rows) - different} of {len(rows)} comparisons of equals show no difference")
    widths = sorted(row[2] for row in rows)
    print(f"half of the intervals reach {100 * (widths[len(widths) // 2] - 1):.1f} % above their estimate, or less")
    print(f"regressions above 5 %: {sum(row[3] for row in rows)}")


def pair(folder: Path, number: int, seconds: float) -> list[tuple[str, str, float, bool]]:
    """Run twice: for each model both verdicts, how far the interval reaches, whether it would have failed."""
    paths = [folder / f"{number}{side}.json" for side in "ab"]
    for path in paths:
        subprocess.run([sys.executable, "-c", RUN, path, str(seconds)], check=True)
    first, second = map(load, paths)
    rows = []
    for change in compare(first, second).changes:
        plain = unpaired(second.row(change.model).seconds, first.row(change.model).seconds)
        reach = change.ratio.high / change.ratio.median
        rows.append((change.verdict, verdict(plain), reach, bool(change.regressions)))
    return rows


if __name__ == "__main__":
    main()
