"""What the machine can do is measured, once for each number of threads."""

import psutil
import pytest
from threadpoolctl import threadpool_limits

from tinytorch_profiling import Machine, peaks
from tinytorch_profiling import machine as measure
from tinytorch_profiling.peaks import blas


@pytest.fixture(scope="module")
def here():
    with threadpool_limits(1, user_api="blas"):
        return measure()


def test_it_is_measured_once(here):
    with threadpool_limits(1, user_api="blas"):
        assert measure() is here


def test_the_peak_is_where_larger_matrices_gain_nothing(monkeypatch):
    reached = {512: 50e9, 1024: 100e9, 2048: 101e9, 4096: 200e9}  # the last is not looked at: 2048 was flat
    sizes = iter(reached)

    def seconds(work):
        size = next(sizes)
        assert work().shape == (size, size)
        return 2 * size**3 / reached[size]

    monkeypatch.setattr(peaks, "_seconds", seconds)
    assert peaks._arithmetic() == (pytest.approx(101e9), 2048)


def test_bandwidth_counts_two_arrays_read_and_one_written(monkeypatch):
    def seconds(work):
        work()
        return 0.5

    monkeypatch.setattr(peaks, "_seconds", seconds)
    bandwidth, nbytes = peaks._bandwidth(3)
    assert bandwidth == 3 * nbytes / 0.5


def test_arrays_are_larger_than_the_share_of_any_cache_and_smaller_than_memory(here):
    assert 3 * here.nbytes < psutil.virtual_memory().total
    assert here.nbytes >= min(64 << 20, psutil.virtual_memory().available // 16)


def test_threads_are_those_of_blas(here):
    assert here.threads == 1
    with threadpool_limits(1, user_api="blas"):
        assert blas()[1] == 1


def test_the_roof_bends_at_the_ridge():
    made = Machine("a processor", 4, 2**33, "a BLAS", 2, flops=100e9, bandwidth=10e9, size=512, nbytes=2**26)
    assert made.ridge == 10
    assert [made.roof(intensity) for intensity in (1, 10, 100)] == [10e9, 100e9, 100e9]
    assert made.describe() == {
        "processor": "a processor, 4 cores, 8.0 GiB",
        "BLAS": "a BLAS, 2 threads",
        "arithmetic": "100.0 GFLOP/s (float32 product of 512 × 512 matrices, the fastest of 7)",
        "memory": "10.0 GB/s (sum of two arrays of 64 MiB, the fastest of 7)",
        "ridge": "10.0 FLOP per byte",
    }
