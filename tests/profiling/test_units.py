"""Numbers read as a person writes them."""

import pytest

from tinytorch_profiling import units


@pytest.mark.parametrize(
    ("nanoseconds", "told"),
    [(0, "0 ns"), (1, "1 ns"), (1234, "1.23 µs"), (999_600, "1.00 ms"), (45_600_000, "45.6 ms"), (7.8e11, "780 s")],
)
def test_times(nanoseconds, told):
    assert units.time(nanoseconds) == told


@pytest.mark.parametrize(
    ("nbytes", "told"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.50 KiB"), (-(2**21), "-2.00 MiB")]
)
def test_sizes(nbytes, told):
    assert units.size(nbytes) == told


@pytest.mark.parametrize(("number", "told"), [(12, "12"), (2_656_768, "2.66 M"), (float("nan"), "nan")])
def test_counts(number, told):
    assert units.count(number) == told


def test_whole_numbers_beyond_all_units():
    assert (units.count(10**400), units.size(-(10**400))) == ("over 1e308", "below -1e308")


def test_everything_else():
    assert (units.percent(0.1234), units.ratio(0.5), units.rate(12.345)) == ("12.3 %", "0.50 ×", "12.3")
    assert (units.plain(1234567), units.plain("core"), units.plain(None)) == ("1,234,567", "core", "")
