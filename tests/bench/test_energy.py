"""Energy is what counters say, or is not measured."""

import pytest

from tinytorch_bench import energy


@pytest.fixture
def powercap(tmp_path):
    """A folder like /sys/class/powercap; write a zone's count, or make the zone."""

    def zone(place, name, count, largest=1000):
        folder = tmp_path / place
        folder.mkdir(exist_ok=True)
        for file, text in (("name", name), ("energy_uj", count), ("max_energy_range_uj", largest)):
            (folder / file).write_text(f"{text}\n")

    zone.root = tmp_path
    return zone


def test_packages_are_added_and_their_parts_are_not(powercap):
    powercap("intel-rapl:0", "package-0", 100)
    powercap("intel-rapl:1", "package-1", 200)
    powercap("intel-rapl:0:0", "core", 50)
    powercap("intel-rapl:2", "psys", 500)
    meter = energy.find(powercap.root)
    before = meter.read()
    powercap("intel-rapl:0", "package-0", 130)
    powercap("intel-rapl:1", "package-1", 270)
    assert meter.joules(before, meter.read()) == pytest.approx(100e-6)


def test_a_counter_that_began_again_is_understood(powercap):
    powercap("intel-rapl:0", "package-0", 990)
    meter = energy.find(powercap.root)
    before = meter.read()
    powercap("intel-rapl:0", "package-0", 9)  # 990 ... 1000, 0 ... 9
    assert meter.joules(before, meter.read()) == pytest.approx(20e-6)


def test_without_a_counter_nothing_is_measured(tmp_path):
    meter = energy.find(tmp_path / "nowhere")
    assert meter.told.startswith("not measured: there is no energy counter in ")
    assert meter.joules(meter.read(), meter.read()) == 0.0


def test_a_counter_for_root_alone_is_not_measured(powercap, monkeypatch):
    powercap("intel-rapl:0", "package-0", 1)

    def refused(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(energy.Counter, "read", refused)
    assert energy.find(powercap.root).told == "not measured: intel-rapl:0 cannot be read: Permission denied"


def test_a_counter_that_holds_no_number_is_not_measured(powercap):
    powercap("intel-rapl:0", "package-0", "broken")
    assert energy.find(powercap.root).told.startswith("not measured: intel-rapl:0 cannot be read: invalid literal")
