"""Figures show what they are given, and no label lies on another."""

import subprocess
import sys
from itertools import combinations

import pytest
from recordings_for_tests import call, trained

import tinytorch as tt
from tinytorch import nn
from tinytorch_profiling import Machine, MemoryProfiler, Recording, Timer, profile

pytest.importorskip("matplotlib")

from tinytorch_profiling.export.figures import latency, memory, points, roofline
from tinytorch_profiling.formulas import FORMULAS

ROOF = Machine("a processor", 1, 2**33, "a BLAS", 1, flops=100e9, bandwidth=10e9, size=512, nbytes=2**26)


def crowded(count):
    """Ops that all lie near one point."""
    return Recording([call(f"op_{number}", 0, 1000 + number) for number in range(count)], [], [(0, 2000)], 1)


def texts(figure):
    figure.draw_without_rendering()
    return [each for each in figure.axes[0].texts if each.get_text()]


def test_a_point_adds_up_the_calls_of_an_op(monkeypatch):
    monkeypatch.setitem(FORMULAS, "linear", lambda _: 24)
    recording = Recording([call("linear", 0, 100), call("linear", 100, 300), call("exp", 0, 9)], [], [(0, 300)], 1)
    drawn, left = points(recording)
    assert [(each.op, each.flops, each.nbytes, each.time) for each in drawn] == [("linear", 96, 96, 300)]
    assert left == ["exp"]


def test_a_roofline_has_a_point_for_each_op_and_names_those_that_it_leaves_out():
    figure = roofline(trained(), ROOF)
    assert len(figure.axes[0].collections[0].get_offsets()) == 3
    assert "exp" in figure.get_supxlabel()
    ops = {"linear", "linear_weight_grad", "matmul"}
    assert {*ops, "100 GFLOP/s, 1 thread", "10 GB/s"} == {each.get_text() for each in texts(figure)}


@pytest.mark.parametrize("count", [2, 15])
def test_labels_of_a_roofline_do_not_overlap(count, tmp_path, monkeypatch):
    for number in range(count):
        monkeypatch.setitem(FORMULAS, f"op_{number}", lambda _: 6)
    figure = roofline(crowded(count), ROOF)
    found = texts(figure)
    assert len(found) == count + 2
    boxes = [each.get_window_extent() for each in found]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    figure.savefig(tmp_path / "roofline.png")


def test_memory_lies_one_category_upon_the_other():
    figure = memory([(0, {"parameters": 2**20}), (5000, {"parameters": 2**20, "activations": 2**21}), (10_000, {})])
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("time (µs)", "live memory (MiB)")
    assert axes.dataLim.ymax == 3
    assert [each.get_text() for each in figure.legends[0].get_texts()] == ["activations", "parameters"]


def test_what_was_measured_draws_itself():
    with profile() as p:
        nn.functional.linear(tt.ones(2, 3), tt.ones(4, 3))
    with MemoryProfiler() as watched:
        tt.ones(1000, 1000).exp()
    titles = [each.axes[0].get_title() for each in (p.roofline(ROOF), watched.figure(), Timer.measure(int).figure())]
    assert titles == ["Roofline", "Memory", "Latency of 30 runs"]


def test_latency_marks_the_median_and_the_slowest():
    figure = latency([number / 1000 for number in range(1, 102)])
    assert [each.get_text() for each in figure.legends[0].get_texts()] == ["median 51 ms", "p90 91 ms", "p99 100 ms"]
    assert figure.axes[0].get_title() == "Latency of 101 runs"


@pytest.mark.parametrize(
    ("draw", "sentence"),
    [
        (lambda: roofline(Recording(), ROOF), "at least one call of an op with multiply-adds"),
        (lambda: memory([]), "a timeline with at least one moment"),
        (lambda: latency([]), "one or more finite numbers"),
        (lambda: latency([1.0, float("nan")]), "one or more finite numbers"),
    ],
)
def test_nothing_to_draw_is_refused(draw, sentence):
    with pytest.raises(ValueError, match=sentence):
        draw()


def test_figures_leave_pyplot_alone():
    code = (
        "import sys; from tinytorch_profiling.export.figures import latency; latency([1.0]); print(sorted(sys.modules))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert "'matplotlib.figure'" in loaded
    assert "'matplotlib.pyplot'" not in loaded


def test_without_matplotlib_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install 'tinytorch-profiling\[plot\]'"):
        latency([1.0])
