"""The report: zeros layer by layer, arithmetic, curves, and the pages that show them."""

import json
import re
import sys
from html.parser import HTMLParser

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import models, nn
from tinytorch_compress import prune
from tinytorch_compress.analysis import analyse
from tinytorch_compress.curves import Point, curve, sensitivity
from tinytorch_compress.html import html, write_html
from tinytorch_compress.sparsity import sparsify, sparsity_of


def network():
    tt.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(4, 3, 1), nn.Flatten(), nn.Linear(12, 5))
    weight = np.zeros((3, 4, 1, 1), "float32")
    weight[0, :2], weight[2, 1] = 0.5, -2.0
    model[0].weight.detach().copy_(tt.tensor(weight))
    return model


def test_a_layer_is_told_as_it_is():
    report = analyse(network(), tt.zeros(1, 4, 2, 2))
    first, last = report.layers
    assert (first.name, first.shape, first.size, first.zeros) == ("0.weight", (3, 4, 1, 1), 12, 9)
    assert (first.zero_outputs, first.zero_inputs, first.two_of_four) == (1, 2, 1.0)
    assert (first.edges[0], first.edges[-1], sum(first.counts)) == (-2.0, 0.5, 3)
    assert (last.zeros, last.two_of_four, sum(last.counts)) == (0, 0.0, 60)
    assert report.sparsity == 9 / 72
    assert report.cost.nonzero == 4 * 3 + 60
    assert [row.format for row in report.storage] == ["dense", "bitmap", "csr", "2:4", "gzip"]
    assert json.loads(json.dumps(report.to_dict()))["layers"][0]["sparsity"] == 0.75


def test_masks_count_as_zeros():
    report = analyse(sparsify(models.mlp(8, 6, 3), 0.5))
    assert report.sparsity == 0.5
    assert sum(report.layers[0].counts) == report.layers[0].size - report.layers[0].zeros


def test_a_curve_prunes_copies():
    model = models.mlp(8, 6, 3)
    points = curve(model, lambda pruned: float(prune.is_pruned(pruned)) + sparsity_of(pruned), [0.0, 0.5, 0.9])
    assert points == [Point(share, share) for share in (0.0, 0.5, round(0.9 * 66) / 66)]
    assert sparsity_of(model) == 0.0
    assert not prune.is_pruned(model)


def test_sensitivity_prunes_one_layer_at_a_time():
    model = models.mlp(8, 6, 3)
    found = sensitivity(model, sparsity_of, [0.0, 0.5])
    assert [(each.layer, each.size) for each in found] == [("1.weight", 48), ("3.weight", 18)]
    assert [each.scores for each in found] == [[0.0, 24 / 66], [0.0, 9 / 66]]


def report_with_everything():
    model = network()
    points = [Point(0.0, 0.98), Point(0.9, 0.5)]
    return analyse(
        model,
        tt.zeros(1, 4, 2, 2),
        curve=points,
        sensitivity=sensitivity(model, sparsity_of, [0.0, 0.5]),
        sparsities=[0.0, 0.5],
    )


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.tags = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "rect", "path"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag in {"rect", "path"} or self.open.pop() == tag


def test_the_page_is_whole_and_needs_nothing_else(tmp_path):
    write_html(report_with_everything(), tmp_path / "r.html", "a <b> & more")
    text = (tmp_path / "r.html").read_text()
    page = Page()
    page.feed(text)
    assert page.open == []
    assert "a &lt;b&gt; &amp; more" in text
    assert not re.search(r"(src|href)=|https?:|@import|url\(", text)
    assert [tag for tag, _ in page.tags].count("svg") == 4 + 1 + 2  # histograms, charts, and a sign for each line
    assert "0.weight" in text
    assert "12.50 % of the weights are zero" in text


def test_a_page_without_curves_has_none():
    assert "<figure>" not in html(analyse(network()))


def test_a_page_has_a_name_of_its_kind(tmp_path):
    with pytest.raises(ValueError, match=r"write_html: expected a path ending in \.html, got "):
        write_html(analyse(network()), tmp_path / "r.txt")


def test_the_figure_has_a_part_for_each_thing_that_was_measured(tmp_path):
    pytest.importorskip("matplotlib")
    from tinytorch_compress.figures import overview

    figure = overview(report_with_everything())
    bars, curved, alone = figure.axes
    assert [bar.get_width() for bar in bars.patches] == [0.75, 0.0]
    assert curved.lines[0].get_xydata().tolist() == [[0.0, 0.98], [0.9, 0.5]]
    assert [line.get_label() for line in alone.lines] == ["0.weight", "2.weight"]
    figure.savefig(tmp_path / "r.png")
    assert (tmp_path / "r.png").read_bytes().startswith(b"\x89PNG")
    assert len(overview(analyse(network())).axes) == 1


def test_without_matplotlib_a_sentence_says_what_to_install(monkeypatch):
    from tinytorch_compress.figures import overview

    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"the figure needs matplotlib: pip install 'tinytorch-compress\[plot\]'"):
        overview(analyse(network()))
