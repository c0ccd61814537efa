"""What the seam adds to an op call when no plugin is enabled.

    python benchmarks/dispatch.py [--json]

Compared are a direct call of a kernel that does nothing, and the same call through the table with the lines of
`Op.__call__`. The two take turns; told is the median of their differences. Then the same with plugins that implement
the op, known to the process but not enabled; and, to show what they cost where they are: after `using` was used
once, under a plugin that answers, under one that declines, and for pluggy's own hook call.

Expected on two quiet cores: 30 to 50 ns without a plugin and with disabled ones (bar: 60), 60 after `using`, 150 to
200 ns under a plugin, 1500 to 2500 ns for pluggy. On a busy machine everything grows, the direct call too.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import timeit
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from tinytorch import plugins
from tinytorch.core.tensor import op
from tinytorch.plugins import hookimpl
from tinytorch.plugins.context import here
from tinytorch.plugins.process import process

BAR = 60.0  # ns
CALLS = 2_000  # in one measurement: 0.1 ms, which is seldom interrupted
ROUNDS = 501
ARRAY = np.zeros(1)


@op
def nothing(a: Any, b: Any) -> Any:
    """Give what came: all that is measured is the call."""
    return a


def direct() -> Any:
    """Call the kernel."""
    return KERNEL(ARRAY, ARRAY)


def dispatched() -> Any:
    """Call through the table, with the lines of `Op.__call__`."""
    table = process.table
    if process.scoped and (chosen := here()) is not None:
        table = chosen
    return table["nothing"](ARRAY, ARRAY)


def by_pluggy() -> Any:
    """Call as pluggy's users do."""
    return HOOK.nothing(a=ARRAY, b=ARRAY)


KERNEL = nothing.kernel
HOOK = plugins.hook()


def added(call: Callable[[], Any], rounds: int = ROUNDS) -> float:
    """Return the median of what a call costs above the direct one, in ns; the two take turns."""
    differences = []
    for _ in range(rounds):
        base = timeit.timeit(direct, number=CALLS)
        differences.append((timeit.timeit(call, number=CALLS) - base) / CALLS * 1e9)
    return statistics.median(differences)


def measure() -> dict[str, float]:
    """Return the added ns by situation."""
    plugins.disable(*process.state.enabled)
    assert plugins.table.nothing is KERNEL
    results = {"no plugin": added(dispatched)}
    plugins.register(SimpleNamespace(nothing=hookimpl(lambda a, b: a)), "answering")
    plugins.register(SimpleNamespace(nothing=hookimpl(lambda a, b: None)), "declining")
    results["installed, disabled"] = added(dispatched)
    with plugins.using():
        pass
    results["after a first using"] = added(dispatched)
    with plugins.using("answering"):
        results["enabled, answers"] = added(dispatched)
    with plugins.using("declining"):
        results["enabled, declines"] = added(dispatched)
    results["pluggy's hook call"] = added(by_pluggy, 101)
    return {name: round(ns, 1) for name, ns in results.items()}


def main() -> None:
    """Print the table, or JSON; exit with 1 above the bar."""
    parser = argparse.ArgumentParser(description="Measure what the seam adds to an op call.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    results = measure()
    passed = max(results["no plugin"], results["installed, disabled"]) <= BAR
    if arguments.json:
        print(json.dumps({"added_ns": results, "bar_ns": BAR, "passed": passed}))
    else:
        for name, ns in results.items():
            print(f"{name:22}{ns:8.1f} ns")
        print(f"bar for the first two {BAR:8.1f} ns: {'kept' if passed else 'MISSED'}")
    sys.exit(not passed)


if __name__ == "__main__":
    main()
