"""How an implementation conducts itself: what it leaves behind besides its answer."""

from __future__ import annotations

import gc
import os
import random
import tracemalloc
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from threading import Barrier
from typing import Any

import numpy as np

from tinytorch.core.tensor.random import default_generator
from tinytorch.testing.case import Arguments
from tinytorch.testing.comparison import same_bits
from tinytorch.types import Array, Kernel

CALLS, ROUNDS = 4, 3  # while memory is counted
CLOSER = 16  # times the calls, where a leak is suspected
KEPT = 64  # bytes of a call that are no leak: Python's and numpy's own, a few in hundreds of calls
THREADS = 4
HELD = 12  # answers that a caller keeps at once


def unequal(arrays: Sequence[Array], before: Sequence[Array]) -> list[int]:
    """The places of arrays that are no longer what they were."""
    return [place for place, (a, b) in enumerate(zip(arrays, before, strict=True)) if not same_bits(a, b)]


def share_memory(these: Sequence[Any], those: Sequence[Any]) -> bool:
    """Whether an array of the one lies in the memory of one of the other."""
    pairs = [(a, b) for a in these for b in those if isinstance(a, np.ndarray) and isinstance(b, np.ndarray)]
    return any(np.may_share_memory(a, b) and np.shares_memory(a, b) for a, b in pairs if a.size and b.size)


@contextmanager
def unusual_dice() -> Iterator[None]:
    """Random states that no seed gives: a call that seeds would else go unseen where that seed is set already."""
    numpys, pythons = np.random.get_state(), random.getstate()  # noqa: NPY002  the state that others draw from
    ours = default_generator.get_state()
    np.random.seed()  # noqa: NPY002
    random.seed()
    default_generator.set_state(np.random.PCG64().state)  # type: ignore[arg-type]  # numpy's stubs: a TypedDict
    try:
        yield
    finally:
        np.random.set_state(numpys)  # noqa: NPY002
        random.setstate(pythons)
        default_generator.set_state(ours)


def global_state() -> dict[str, Any]:
    """What a call must leave as it was, by name."""
    numpy_random = np.random.get_state(legacy=False)  # noqa: NPY002  the state that others draw from
    return {
        "numpy's error state": np.geterr(),
        "numpy's print options": np.get_printoptions(),
        "numpy's random state": _frozen(numpy_random),
        "Python's random state": random.getstate(),
        "tinytorch's random state": _frozen(default_generator.get_state()),
        "the filters of warnings": list(warnings.filters),
        "the environment": dict(os.environ),
        "the garbage collector's switch": gc.isenabled(),
    }


def changed_state(before: dict[str, Any]) -> list[str]:
    """The names of what is no longer as it was."""
    after = global_state()
    return [name for name, value in before.items() if after[name] != value]


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _frozen(each) for key, each in value.items()}
    return value.tobytes() if isinstance(value, np.ndarray) else value


def leaked_bytes(call: Callable[[], Any]) -> float:
    """What every call leaves behind, looked at twice where it is much.

    Python keeps the memory of freed tuples for new ones till a full collection, which takes too long to do it always.
    """
    kept = kept_bytes(call)
    return kept if kept <= KEPT else kept_bytes(call, CLOSER * CALLS, 2 * ROUNDS, generation=2)


def kept_bytes(call: Callable[[], Any], calls: int = CALLS, rounds: int = ROUNDS, generation: int = 1) -> float:
    """How many bytes of memory, seen by tracemalloc, every call leaves behind: the least in several rounds of calls.

    A leak grows in every round; what caches and collectors hold grows in some. Garbage up to `generation` is collected
    after each: that of 2 is all there is, which takes long.
    """
    was_tracing = tracemalloc.is_tracing()
    if not was_tracing:
        tracemalloc.start()
    try:
        totals = [_traced_after(call, calls, generation) for _ in range(rounds)]
        return min(after - before for before, after in pairwise(totals)) / calls
    finally:
        if not was_tracing:
            tracemalloc.stop()


def _traced_after(call: Callable[[], Any], calls: int, generation: int) -> int:
    for _ in range(calls):
        call()
    gc.collect(generation)
    return tracemalloc.get_traced_memory()[0]


def in_threads(call: Kernel, inputs: Sequence[Arguments], pool: ThreadPoolExecutor | None = None) -> list[Any]:
    """The answers of calls in several threads at once, each in a thread of its own, of a pool that has as many."""
    if pool is None:
        with ThreadPoolExecutor(len(inputs)) as own:
            return in_threads(call, inputs, own)
    barrier = Barrier(len(inputs))

    def run(arguments: Arguments) -> Any:
        barrier.wait()
        return call(*arguments)

    return list(pool.map(run, inputs))
