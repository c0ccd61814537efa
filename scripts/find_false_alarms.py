"""Try the kit on plugins that are right, over many seeds: what it finds there is a mistake of the kit's.

python scripts/find_false_alarms.py [--seeds 10] [--draws 1]
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tinytorch import plugins
from tinytorch.testing import check_plugin
from tinytorch.testing.plugins import make

RIGHT = {
    "loopback": 1,
    "decliner": 1,
    "rows": 10,
    "close": 10,
}  # by the part of the seeds; the first is the core itself


def main() -> int:
    """Try every seed with all of them, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=20, help="for loopback and decliner; a tenth for the others")
    parser.add_argument("--draws", type=int, default=1, help="small inputs for each op and dtype")
    arguments = parser.parse_args()
    trials = [
        (name, seed, arguments.draws) for name, share in RIGHT.items() for seed in range(-(-arguments.seeds // share))
    ]
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # in the processes that are started, one for each core
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        alarms = [alarm for alarm in pool.map(tried, trials) if alarm]
    print(*alarms, sep="\n", end="\n" if alarms else "")
    print(f"{len(alarms)} of {len(trials)} trials gave a false alarm")
    return int(bool(alarms))


def tried(trial: tuple[str, int, int]) -> str:
    """What the kit says of a plugin that is right: nothing, it should be."""
    name, seed, draws = trial
    plugins.register(make(name), name)
    try:
        check_plugin(name, draws=draws, seed=seed)
    except AssertionError as error:
        return f"seed {seed}: {error}"
    return ""


if __name__ == "__main__":
    sys.exit(main())
