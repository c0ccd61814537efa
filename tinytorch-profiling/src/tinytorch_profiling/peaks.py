"""What this machine can do at most, measured: arithmetic by a matrix product, memory by adding long arrays.

A number from a data sheet would be higher; what an op can reach is what numpy and its BLAS reach here, with the threads
that they have. It takes a second or two, once for each number of threads.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from time import perf_counter

import numpy as np
import psutil
from threadpoolctl import threadpool_info

RUNS = 7
SIZES = (512, 1024, 2048, 4096, 8192)  # of the matrices, till a larger one gains nothing
GAIN = 1.03  # what counts as a gain
LONGEST = 0.25  # seconds that one product may take
LEAST = 64 << 20  # bytes of an array, where the cache's size is not known
CACHES = 4  # an array is that many times as large as the last cache


@dataclass(frozen=True)
class Machine:
    """A machine and what was measured of it."""

    processor: str
    cores: int  # physical ones
    memory: int  # bytes
    blas: str
    threads: int  # of BLAS, and of the measurement of memory
    flops: float  # float32 FLOP/s of a matrix product, 1 multiply-add = 2 FLOPs
    bandwidth: float  # bytes/s of a = b + c on float64 arrays far larger than any cache, reads and writes counted once
    size: int  # of the matrices, size × size
    nbytes: int  # of each of the three arrays

    @property
    def ridge(self) -> float:
        """FLOPs per byte below which memory limits an op, and above which arithmetic does."""
        return self.flops / self.bandwidth

    def roof(self, intensity: float) -> float:
        """FLOP/s that an op of this many FLOPs per byte can reach, if nothing it needs is in a cache."""
        return min(self.flops, self.bandwidth * intensity)

    def describe(self) -> dict[str, str]:
        """What was found, in words and with units."""
        n, several = self.size, f"the fastest of {RUNS}"
        return {
            "processor": f"{self.processor}, {self.cores} cores, {self.memory / 2**30:.1f} GiB",
            "BLAS": f"{self.blas}, {self.threads} {'thread' if self.threads == 1 else 'threads'}",
            "arithmetic": f"{self.flops / 1e9:.1f} GFLOP/s (float32 product of {n} × {n} matrices, {several})",
            "memory": f"{self.bandwidth / 1e9:.1f} GB/s (sum of two arrays of {self.nbytes >> 20} MiB, {several})",
            "ridge": f"{self.ridge:.1f} FLOP per byte",
        }


def machine() -> Machine:
    """Measure this machine with the threads that BLAS has now, or tell what was measured before with as many."""
    return _measure(*blas())


def blas() -> tuple[str, int]:
    """Name the BLAS that is loaded, and how many threads it has; 1 where it does not tell."""
    found = [each for each in threadpool_info() if each["user_api"] == "blas"]
    if not found:
        return "unknown BLAS", 1
    most = max(found, key=lambda each: each["num_threads"])
    return f"{most['internal_api']} {most['version'] or ''}".strip(), most["num_threads"]


@cache
def _measure(name: str, threads: int) -> Machine:
    flops, size = _arithmetic()
    bandwidth, nbytes = _bandwidth(threads)
    cores = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    memory = psutil.virtual_memory().total
    return Machine(processor(), cores, memory, name, threads, flops, bandwidth, size, nbytes)


def _arithmetic() -> tuple[float, int]:
    """FLOP/s of the product of square matrices, and their size: it is flat there, or the next would take too long."""
    best, best_size = 0.0, SIZES[0]
    for size in SIZES:
        a, b, out = (np.full((size, size), 0.5, np.float32) for _ in range(3))
        seconds = _seconds(partial(np.matmul, a, b, out=out))
        flops = 2 * size**3 / seconds
        flat = flops < GAIN * best
        if flops > best:
            best, best_size = flops, size
        if flat or 8 * seconds > LONGEST:
            break
    return best, best_size


def _bandwidth(threads: int) -> tuple[float, int]:
    """Bytes/s of a = b + c, the arrays divided among threads, and the bytes of each array."""
    nbytes = min(max(LEAST, CACHES * _last_cache()), psutil.virtual_memory().available // 8)
    a, b, c = (np.full(nbytes // 8, 0.5) for _ in range(3))  # filled: no page is new when it is measured
    edges = np.linspace(0, a.size, threads + 1).astype(int)
    parts = [slice(*edge) for edge in pairwise(edges)]
    with ThreadPoolExecutor(threads) as pool:
        seconds = _seconds(lambda: list(pool.map(lambda part: np.add(b[part], c[part], out=a[part]), parts)))
    return 3 * a.nbytes / seconds, a.nbytes


def _seconds(work: Callable[[], object]) -> float:
    """Time of the fastest of several runs, after one that warms up: what disturbs a run only makes it longer."""
    work()
    times = []
    for _ in range(RUNS):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return min(times)


def _last_cache() -> int:
    """Bytes of the largest cache; 0 where the system does not tell."""
    sizes = Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size")
    return max((int(size.read_text().strip().removesuffix("K")) << 10 for size in sizes), default=0)


def processor() -> str:
    """Name the processor as the system does."""
    table = Path("/proc/cpuinfo")
    lines = table.read_text().splitlines() if table.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
