"""What `tinytorch bench peers` refuses before anything is run, and what it tells meanwhile."""

import json

import pytest

from tinytorch.cli.output import CommandError
from tinytorch_bench import noise
from tinytorch_bench.peers import command
from tinytorch_bench.peers.command import compared, peers
from tinytorch_bench.peers.report import Form, Report, Row
from tinytorch_bench.statistics import Ratio

EVEN, FORM = Ratio(1.0, 1.0, 1.0, 1.0, 1.0), Form(1, "", 1.0, [1.0])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"workload": ["mpl"]}, "there is no workload 'mpl'; did you mean 'mlp'?"),
        ({"threads": 4096}, "--threads 4096: expected at most "),
        ({"peer": "caffe"}, "there is no peer 'caffe'; there are torch"),
        ({"html": "no/where.html"}, "no/where.html: expected a file in a folder that is there"),
    ],
)
def test_a_mistake_is_said_before_a_long_run(options, sentence, tmp_path):
    if "html" in options:
        options = {"html": tmp_path / options["html"]}
    with pytest.raises(CommandError) as raised:
        peers(**{"peer": "torch", "threads": 1, "json": None, "html": None, "only_list": False, **options})
    assert sentence in str(raised.value)


def test_the_run_is_told_on_standard_error(plan, workload, monkeypatch, capsys):
    monkeypatch.setattr(noise, "warnings", lambda: ["somebody sings"])
    report = compared([workload("same"), workload("differs")], plan)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "tinytorch: this machine is too noisy to judge: somebody sings",
        "same (1 of 2) ...",
        "differs (2 of 2) ...",
    ]
    assert report.warnings == ["somebody sings"]
    assert [row.outcome for row in report.rows] == ["measured", "differs"]


@pytest.fixture
def run(plan, workload, monkeypatch):
    """Run the command on what a comparison would give; its status."""

    def found(workloads, plan):
        rows = [Row(each, [], "measured", "", 0.0, EVEN, FORM, FORM) for each in workloads if each.name == "same"]
        rows += [Row(each, [], "differs", "they differ", 0.1) for each in workloads if each.name == "differs"]
        return Report("the rival", {}, {}, {"threads": 1, "rounds": 6, "tuned_malloc": False}, [], rows)

    monkeypatch.setattr(command, "chosen", lambda names: [workload(name) for name in names])
    monkeypatch.setattr(command, "find", lambda name: plan.peer)
    monkeypatch.setattr(command, "compared", found)
    options = {"peer": "rival", "threads": 1, "json": None, "html": None, "markdown": False, "only_list": False}
    return lambda names, **more: peers(names, **{**options, **more})


def test_json_is_all_that_is_printed(run, capsys):
    assert run(["same"], json=command.PRINTED) == 0
    assert json.loads(capsys.readouterr().out)["rows"][0]["name"] == "same"


def test_files_are_written_and_tables_shown(run, capsys, tmp_path):
    assert run(["same"], json=tmp_path / "found.json", html=tmp_path / "page.html") == 0
    assert capsys.readouterr().out.endswith("every aim that counts is reached\n")
    assert json.loads((tmp_path / "found.json").read_text())["failed"] is False
    assert "</html>" in (tmp_path / "page.html").read_text()


def test_what_differs_is_said_and_sets_the_status(run, capsys):
    assert run(["same", "differs"]) == 1
    out = capsys.readouterr().out
    assert "differs: they differ; nothing was timed" in out
    assert out.endswith("not reached: differs\n")


def test_markdown_is_printed(run, capsys):
    assert run(["same"], markdown=True) == 0
    assert capsys.readouterr().out.startswith("# tinytorch and the rival\n")
