"""A peer's own process: it imports the peer's module, reads orders and writes answers, a line of JSON each.

It is bound to as many processors as it may have threads, so that what counts processors counts those. What a framework
prints goes to standard error.
"""

from __future__ import annotations

import base64
import gc
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
from typing import IO, Any, cast

from tinytorch_bench.peers import memory
from tinytorch_bench.peers.peer import Peer, Step

WARM_UP = 2  # steps
FEWEST = 3  # measurements of a burst
PATIENCE = 1.0  # seconds after which fewer are enough, and one step to warm up
LEAST = 1e-4  # seconds of a measurement: what is shorter is called several times


def main(module: str, threads: int) -> None:
    """Serve until there are no more orders."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        _bind(threads)
        serve(module, sys.stdin, answers)


def serve(module: str, orders: Iterable[str], answers: IO[str]) -> None:
    """Answer each order, one that fails by what was raised."""
    for line in orders:
        order = json.loads(line)
        try:
            answer = {"answer": ORDERS[order.pop("do")](_peer(module), **order)}
        except Exception as error:  # noqa: BLE001  it is told on the other side
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(f"{json.dumps(answer)}\n")
        answers.flush()


@cache
def _peer(module: str) -> Peer:
    return cast("Peer", import_module(module))


def _bind(threads: int) -> None:
    """Use so many of the processors, the last ones: the first have the most to do besides."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


def check(peer: Peer, workload: str, variant: str, steps: int) -> list[dict[str, Any]]:
    """Take some steps; tell the losses of all of them, or the arrays that the last one gave."""
    step = peer.build(workload, variant)
    results = [step() for _ in range(steps)]
    losses = isinstance(results[0], float)
    return [_packed(array) for result in (results if losses else results[-1:]) for array in peer.arrays(result)]


def _packed(array: Any) -> dict[str, Any]:
    numbers = array.astype("<f8" if array.ndim == 0 else "<f4")
    return {"shape": array.shape, "dtype": numbers.dtype.str, "data": base64.b64encode(numbers.tobytes()).decode()}


def burst(peer: Peer, workload: str, variant: str, seconds: float, pause: float) -> float:
    """Tell the seconds of a step: the median of what fits into a burst, after a pause and some steps to warm up."""
    step = peer.build(workload, variant)
    gc.collect()
    time.sleep(pause)  # until the threads of others have stopped waiting busily
    warm = [_seconds(step, 1)]
    while len(warm) < WARM_UP and sum(warm) < PATIENCE:
        warm.append(_seconds(step, 1))
    count = max(1, int(LEAST / max(warm[-1], 1e-7)))
    times, taken = [_seconds(step, count)], 0.0
    begin = time.perf_counter()
    while taken < seconds or (taken < PATIENCE and len(times) < FEWEST):
        times.append(_seconds(step, count))
        taken = time.perf_counter() - begin
    return statistics.median(times)


def _seconds(step: Step, count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        step()
    return (time.perf_counter() - start) / count


def peak(peer: Peer, workload: str, variant: str) -> int | None:
    """Tell the bytes by which some steps make a process larger that has taken none of this size."""
    peer.build(workload, variant, tiny=True)()
    return memory.growth(peer.build(workload, variant))


ORDERS: dict[str, Callable[..., Any]] = {
    "begin": lambda peer, threads: peer.begin(threads),
    "variants": lambda peer, workload: list(peer.variants(workload)),
    "check": check,
    "time": burst,
    "memory": peak,
}

if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
