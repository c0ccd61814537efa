"""A comparison as JSON, Markdown and HTML."""

import jsonschema
import pytest

from tinytorch.cli.output import json_text
from tinytorch_bench.peers import rendering, stored
from tinytorch_bench.peers.peer import PeerError
from tinytorch_bench.peers.report import Form, Memory, Report, Row
from tinytorch_bench.statistics import Ratio

RATIO = {
    "type": ["object", "null"],
    "required": ["median", "low", "high", "smallest", "largest", "verdict"],
    "additionalProperties": {"type": ["number", "string"]},
}
FORM = {
    "type": ["object", "null"],
    "required": ["threads", "variant", "us", "rounds"],
    "properties": {"rounds": {"type": "array", "items": {"type": "number", "exclusiveMinimum": 0}}},
}
ROW = {
    "type": "object",
    "required": [
        "name",
        "group",
        "what",
        "plugins",
        "outcome",
        "told",
        "difference",
        "tolerance",
        "aim",
        "counts",
        "reached",
    ],
    "properties": {
        "outcome": {"enum": ["measured", "differs", "not built"]},
        "aim": {"type": ["number", "null"]},
        "failed": {"type": "boolean"},
        "ratio": RATIO,
        "tuned_ratio": RATIO,
        "ours": FORM,
        "theirs": FORM,
        "tuned": FORM,
        "memory": {"type": ["object", "null"], "required": ["ours", "theirs", "ratio", "aim", "reached"]},
    },
}
SCHEMA = {
    "type": "object",
    "required": ["kind", "version", "peer", "machine", "sides", "settings", "warnings", "failed", "rows"],
    "properties": {
        "kind": {"const": "tinytorch bench peers"},
        "version": {"const": 1},
        "warnings": {"type": "array", "items": {"type": "string"}},
        "rows": {"type": "array", "items": ROW},
    },
}


@pytest.fixture
def report(workload):
    """Three rows: a training below its aim that needs too much memory, an op, and one whose numbers differ."""
    ratio = Ratio(0.6, 0.5, 0.7, 0.4, 3.0)
    training = workload("cnn", "training", accel=0.65, images=True)
    measured = Row(
        *(training, ["accel"], "measured", "", 1e-7, ratio),
        *(Form(2, "", 60.0, [60.0]), Form(2, "channels last", 100.0, [100.0])),
        *(Ratio(0.8, 0.7, 0.9, 0.6, 1.0), Form(2, "", 75.0, [75.0]), Memory(3 << 20, 2 << 20, 1.0)),
    )
    op = Row(
        *(workload("gelu", accel=0.5, counts=False), ["accel"], "measured", "", 0.0, ratio),
        *(Form(1, "", 600.0, [600.0]), Form(2, "", 1000.0, [1000.0])),
    )
    differs = Row(workload("<b>mlp"), ["accel"], "differs", "results differ by 1e-1", 0.1)
    settings = {"threads": 2, "rounds": 9, "tuned_malloc": True}
    sides = {"tinytorch with 2 threads": {"version": "tinytorch 0.1.0", "plugins": ["accel"]}}
    return Report("PyTorch", {"processor": "a & b"}, sides, settings, ["too loud"], [measured, op, differs])


def test_json_keeps_its_schema(report):
    found = report.as_dict()
    jsonschema.validate(found, SCHEMA)
    assert [row["failed"] for row in found["rows"]] == [True, False, True]
    assert [row["reached"] for row in found["rows"]] == ["yes, not sure", "no, not sure", ""]


def test_a_stored_comparison_is_the_same_when_it_is_read_again(report, tmp_path):
    file = tmp_path / "found.json"
    file.write_text(json_text(report.as_dict()))
    again = stored.load(file)
    assert again.as_dict() == report.as_dict()
    assert rendering.markdown(again) == rendering.markdown(report)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"kind": "tinytorch bench tiny", "version": 1}',
        '{"kind": "tinytorch bench peers", "version": 1}',
    ],
)
def test_another_file_is_no_comparison(tmp_path, text):
    (tmp_path / "found.json").write_text(text)
    with pytest.raises(PeerError, match=r"found\.json: expected "):
        stored.load(tmp_path / "found.json")


def test_what_was_not_built_keeps_it_too(report, workload):
    report.rows[:] = [Row(workload("jvp"), [], "not built", "PyTorch does not build it")]
    jsonschema.validate(report.as_dict(), SCHEMA)
    assert report.failed is False
    assert rendering.tables(report) == []


def test_markdown_shows_ratio_interval_aim_and_memory(report):
    lines = rendering.markdown(report).splitlines()
    assert (
        "| cnn | 0.60 | 0.50-0.70 | 0.40-3.00 | 0.65 | yes, not sure | 60.0 | 100 | 0.80 (0.70-0.90) | 1e-07 "
        "| channels last |" in lines
    )
    assert (
        "| gelu | 0.60 | 0.50-0.70 | 0.40-3.00 | 0.50 | no, not sure | 600 | 1000 |  | 0e+00 | threads 1 and 2 |"
        in lines
    )
    assert "| cnn | 1.50 | 1.00 | no | 3.0 | 2.0 |" in lines
    assert "**<b>mlp: results differ by 1e-1; nothing was timed**" in lines
    assert "- tinytorch with 2 threads: tinytorch 0.1.0 with accel" in lines


def test_the_page_needs_nothing_else_and_runs_nothing(report):
    page = rendering.html(report)
    assert "&lt;b&gt;mlp: results differ" in page
    assert "a &amp; b" in page
    assert not any(forbidden in page for forbidden in ("<script", "http:", "https:", "<b>", "src="))
    assert page.count("<svg") == 2
