"""The report: bytes that were measured beside those of the formula, rates, agreement, and mistakes told."""

import json
import sys

import pytest
from caches_for_tests import drawn

import tinytorch as tt
from tinytorch import models
from tinytorch_cache import QuantizedCache, SlidingWindowCache, StaticCache
from tinytorch_cache.report import formula, measured

OBJECTS = 8192  # bytes of Python objects around the arrays


@pytest.mark.parametrize("kind", ["gpt", "llama"])
def test_every_cache_takes_what_the_formula_says(kind):
    net = drawn(kind, 5)
    for cache in (
        StaticCache(net, 3, 20),
        SlidingWindowCache(net, 2, 7, 3),
        QuantizedCache(net, 2, 40, 8, block=4, residual=10),
        QuantizedCache(net, 1, 40, 4, block=8, residual=0),
    ):
        assert cache.nbytes == formula(net, cache)


def test_bytes_are_measured_apart_from_the_formula():
    net = models.GPT(11, 256, layers=4, heads=4, width=128)
    rows = measured(net, ["static", "sliding", "quantized"], 12)
    for row in rows:
        assert row.formula_bytes <= row.measured_bytes < row.formula_bytes + OBJECTS
        assert [rate.length for rate in row.rates] == [12]
        assert row.agreement.same


def test_lengths_double_up_to_the_last():
    (row,) = measured(drawn("gpt", 1), ["none"], 40)
    assert [rate.length for rate in row.rates] == [16, 32, 40]
    assert all(rate.tokens_per_second > 0 for rate in row.rates)
    assert (row.formula_bytes, row.measured_bytes, row.agreement) == (None, None, None)


def test_near_ties_are_in_the_report():
    net = drawn("gpt", 0)
    with tt.no_grad():
        net.lm_head.weight.array[:] = net.lm_head.weight.array[0]  # all tokens are alike
    (row,) = measured(net, ["static"], 12)
    told = json.loads(json.dumps(row.to_dict()))["agreement"]
    assert len(told["near_ties"]) == 11
    assert told["near_ties"][0]["gap"] == 0.0
    assert "near tie at step 0 of row 0" in str(row.agreement)


def test_the_figure_has_a_line_for_each_cache(tmp_path):
    pytest.importorskip("matplotlib")
    from tinytorch_cache.figures import rates

    rows = measured(drawn("gpt", 1), ["none", "static"], 32)
    figure = rates(rows)
    (axes,) = figure.axes
    assert [line.get_label() for line in axes.lines] == ["no cache", f"static, {rows[1].measured_bytes:,} bytes"]
    for line, row in zip(axes.lines, rows, strict=True):
        assert list(line.get_xdata()) == [16, 32]
        assert list(line.get_ydata()) == [rate.tokens_per_second for rate in row.rates]
    figure.savefig(tmp_path / "rates.png")
    assert (tmp_path / "rates.png").read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_a_sentence_says_what_to_install(monkeypatch):
    from tinytorch_cache.figures import rates

    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"the figure needs matplotlib: pip install 'tinytorch-cache\[plot\]'"):
        rates([])
