"""Fronts hold what nothing dominates, and are drawn where matplotlib is."""

import builtins

import pytest
from clocks_for_tests import Clock, run_of
from hypothesis import given
from hypothesis import strategies as st

from tinytorch_bench import Point, figures, front, points

POINT = st.builds(Point, st.text(min_size=1, max_size=3), st.integers(1, 5), st.integers(0, 4), st.integers(1, 5))


@given(st.lists(POINT, max_size=12))
def test_nothing_on_a_front_is_dominated_and_all_else_is(given_points):
    best = front(given_points)
    assert not any(other.dominates(point) for point in best for other in given_points)
    assert all(any(point.dominates(other) for point in best) for other in given_points if other not in best)


def test_a_point_dominates_neither_itself_nor_a_trade():
    small, fast = Point("small", 10, 0.9, 2.0), Point("fast", 20, 0.9, 1.0)
    assert not small.dominates(small)
    assert not small.dominates(fast)
    assert Point("both", 10, 0.9, 1.0).dominates(fast)
    assert front([small, fast, Point("neither", 20, 0.8, 2.0)]) == [small, fast]


def test_points_are_those_of_a_run():
    run = run_of(Clock(1), m=1e-3, n=2e-3)
    run.rows[0].metrics["accuracy"], run.rows[1].metrics["accuracy"] = 0.9, None
    (point,) = points(run)
    assert (point.model, point.bytes, point.quality) == ("m", 100, 0.9)
    with pytest.raises(KeyError, match="there is no metric 'f1' on 'data'; there is accuracy"):
        points(run, "f1")
    with pytest.raises(KeyError, match="there is no dataset 'nowhere'"):
        points(run, dataset="nowhere")


def test_the_figure_has_a_mark_for_each_point_and_a_line_through_the_front(tmp_path):
    pytest.importorskip("matplotlib")
    every = [Point("small", 10_000, 0.9, 2e-3), Point("fast", 40_000, 0.95, 1e-3), Point("worse", 50_000, 0.8, 3e-3)]
    figure = figures.pareto(every)
    (axes,) = figure.axes
    assert len(axes.collections) == 3
    assert axes.lines[0].get_xdata().tolist() == [10_000, 40_000]
    assert [text.get_text().split("\n")[0] for text in axes.texts] == ["small", "fast", "worse"]
    figure.savefig(tmp_path / "pareto.png")
    assert (tmp_path / "pareto.png").stat().st_size > 5000


def test_without_matplotlib_it_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def absent(name, *arguments, **options):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(ImportError, match=r"pip install 'tinytorch-bench\[plot\]'"):
        figures.pareto([Point("m", 1, 1.0, 1.0)])


def test_no_points_make_no_figure():
    pytest.importorskip("matplotlib")
    with pytest.raises(ValueError, match="pareto: expected one point or more, got none"):
        figures.pareto([])
