"""A report in text: its tables as columns and rows, and its sums in a sentence, for a terminal or a page."""

from __future__ import annotations

import math

from tinytorch_compress.analysis import Layer, Report
from tinytorch_compress.counting import Cost

Table = tuple[list[str], list[list[str]]]


def layers(report: Report) -> Table:
    """A row for each weight; "2:4" is the share of four neighbouring inputs of which two are zero."""
    columns = ["weight", "shape", "size", "zeros", "empty outputs", "empty inputs", "2:4"]
    return columns, [_layer(layer) for layer in report.layers]


def storage(report: Report) -> Table:
    """A row for each format of the whole state, beside the dense one."""
    dense = report.storage[0].bytes
    rows = [
        [each.format, f"{each.bytes:,}", f"{dense / each.bytes:.2f}×", str(each.used_for)] for each in report.storage
    ]
    return ["format", "bytes", "smaller", "tensors in it"], rows


def curve(report: Report) -> Table:
    """A row for each sparsity of the whole model."""
    return ["sparsity", "accuracy"], [[percent(share), percent(score)] for share, score in report.curve]


def sensitivity(report: Report) -> Table:
    """A row for each weight, a column for each sparsity of it alone."""
    rows = [[each.layer, *map(percent, each.scores)] for each in report.sensitivity]
    return ["pruned alone", *map(percent, report.sparsities)], rows


def pass_of(cost: Cost) -> str:
    """What a pass takes, in words."""
    unknown = f"; not counted: {', '.join(cost.unknown)}" if cost.unknown else ""
    return f"{cost.macs:,} MACs for one sample, {cost.nonzero:,} by a weight that is not zero{unknown}"


def percent(share: float) -> str:
    """Write a share of 1 as percent."""
    return "nan" if math.isnan(share) else f"{100 * share:.2f} %"


def _layer(layer: Layer) -> list[str]:
    return [
        layer.name,
        " × ".join(map(str, layer.shape)),
        f"{layer.size:,}",
        percent(layer.sparsity),
        f"{layer.zero_outputs} of {layer.shape[0]}",
        f"{layer.zero_inputs} of {layer.shape[1]}",
        "–" if layer.two_of_four is None else percent(layer.two_of_four),
    ]
