"""`tinytorch bench tiny`: what it prints, writes and refuses, and its status."""

import json

import jsonschema
import numpy as np
import pytest

from tinytorch.cli.output import CommandError
from tinytorch_bench.tinymlperf import NOTICE, TASKS, Performance, Quality, Report, Result, command, rendering
from tinytorch_bench.tinymlperf.tasks import Precision, Scenario

RESULT = {
    "type": "object",
    "required": ["name", "official", "metric", "target", "precision", "scenario", "quality", "performance", "breaches"],
    "properties": {
        "notice": {"const": NOTICE},
        "quality": {"type": ["object", "null"], "required": ["value", "files", "of", "source", "reached"]},
        "performance": {"type": ["object", "null"], "required": ["throughput", "p90", "median", "windows"]},
        "breaches": {"type": "array", "items": {"type": "string"}},
    },
}
SCHEMA = {
    "type": "object",
    "required": ["kind", "version", "notice", "machine", "plugins", "warnings", "failed", "results"],
    "properties": {"kind": {"const": "tinytorch bench tiny"}, "results": {"type": "array", "items": RESULT}},
}
INT8, STREAM = Precision.INT8, Scenario.SINGLE_STREAM
TIME = Performance(500.0, [{"throughput": 500.0}], 0.0021, 0.0019)


def result(name, value, **more):
    quality = None if value is None else Quality(value, 1000, 1000, "1000 samples of <somewhere>")
    return Result(TASKS[name], INT8, STREAM, 1, "a.tflite", "0123456789", quality=quality, performance=TIME, **more)


@pytest.fixture
def report():
    """A task by the rules, one below its target, one without samples, one that was not run."""
    results = [
        result("kws", 0.901),
        result("ad", 0.81234, breaches=["3 windows"]),
        result("vww", None, unjudged="no real samples: vww01/ lacks", breaches=["accuracy was not measured"]),
        Result(TASKS["ic"], INT8, STREAM, told="there is no file"),
    ]
    return Report({"processor": "a & b"}, ["accel"], ["too loud"], results)


def test_json_keeps_its_schema(report):
    found = report.as_dict()
    jsonschema.validate(found, SCHEMA)
    assert [each["quality"] and each["quality"]["reached"] for each in found["results"]] == [True, False, None, None]
    assert found["failed"] is True


def test_markdown_says_what_was_measured_and_what_was_not(report):
    text = rendering.markdown(report)
    assert (
        "| kws, int8, single-stream | a.tflite (01234567) | 90.1 % top-1 | 90.0 % top-1 | yes | 500 | 2.100 ms |"
        in text
    )
    assert "| 0.8123 AUC | 0.8500 AUC | no |" in text
    assert "- vww: accuracy: not measured, no real samples: vww01/ lacks" in text
    assert "- ic: not run: there is no file" in text
    assert "unverified, not an official MLPerf result" in text
    assert text.count("| yes, but unverified |") == 1


def test_the_page_needs_nothing_else_and_runs_nothing(report):
    page = rendering.html(report)
    assert "&lt;somewhere&gt;" in page
    assert "unverified, not an official MLPerf result" in page
    assert not any(forbidden in page for forbidden in ("<script", "http:", "https:", "<somewhere>", "src="))


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run the command on what a measurement would give; its status."""
    given = {}
    monkeypatch.setattr(command.noise, "warnings", list)
    monkeypatch.setattr(command, "measured", lambda task, *rest: given[task.name])

    def running(*names, results=(), **options):
        given.update({each.task.name: each for each in results})
        defaults = {"precision": INT8, "scenario": STREAM, "quick": True, "by_loadgen": False, "data": tmp_path}
        return command.tiny([*names], **{**defaults, "plugin_names": "", **options})

    return running


def test_the_status_is_0_where_all_targets_are_reached_and_1_where_one_is_missed(run, capsys):
    assert run("kws", results=[result("kws", 0.9)]) == 0
    assert run("kws", results=[result("kws", 0.8999)]) == 1
    assert "unverified, not an official MLPerf result" in capsys.readouterr().out


def test_the_status_is_2_where_a_named_task_could_not_be_run(run, report, capsys):
    assert run("kws", "ic", results=report.results) == 2
    assert "tinytorch: ic was not run: there is no file" in capsys.readouterr().err
    assert run(results=report.results) == 1  # nobody asked for ic by name; ad misses its target
    assert run(results=[Result(each.task, INT8, STREAM, told="absent") for each in report.results]) == 2


def test_json_is_all_that_is_printed(run, capsys):
    assert run("kws", results=[result("kws", 0.9)], json=command.files.PRINTED) == 0
    assert json.loads(capsys.readouterr().out)["results"][0]["name"] == "kws"


def test_files_are_written(run, tmp_path):
    paths = {kind: tmp_path / f"tiny.{kind}" for kind in ("json", "html", "markdown")}
    assert run("kws", results=[result("kws", 0.9)], **paths) == 0
    assert all("unverified" in path.read_text() for path in paths.values())


@pytest.mark.parametrize(
    ("names", "options", "told"),
    [
        (["kw"], {}, "there is no task 'kw'; did you mean 'kws'?"),
        ([], {"data": None}, "expected the folder of models and samples: --data FOLDER, or TINYTORCH_DATA"),
        ([], {"data": "nowhere"}, "nowhere: expected a folder with the models and samples of MLPerf Tiny"),
        ([], {"html": "no/where.html"}, "no/where.html: expected a file in a folder that is there"),
    ],
)
def test_a_mistake_is_said_before_a_long_run(run, monkeypatch, tmp_path, names, options, told):
    monkeypatch.delenv("TINYTORCH_DATA", raising=False)
    places = {name: value and tmp_path / value for name, value in options.items()}
    with pytest.raises(CommandError) as raised:
        run(*names, **places)
    assert told in str(raised.value)


def test_a_file_that_is_no_sample_is_one_sentence(tmp_path):
    (tmp_path / "kws").mkdir()
    np.savez(tmp_path / "kws/kws01_samples.npz", nothing=np.zeros(1))
    np.savez(tmp_path / "kws/kws_ref_float32.npz", nothing=np.zeros(1))
    with pytest.raises(CommandError, match="expected 'weight' of layer 0"):
        command.tiny(["kws"], Precision.FLOAT32, STREAM, True, False, tmp_path, "")
