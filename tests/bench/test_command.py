"""What `tinytorch bench peers` refuses before anything is run, and what it tells meanwhile."""

import json
from dataclasses import replace

import pytest

from tinytorch.cli.output import CommandError
from tinytorch_bench import noise
from tinytorch_bench.peers import command, stored
from tinytorch_bench.peers.command import compared, peers
from tinytorch_bench.peers.peer import PeerError
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
        peers(**{"peer": "torch", "threads": 1, "only_list": False, **options})
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

    def found(workloads, plan, kept):
        rows = [Row(each, [], "measured", "", 0.0, EVEN, FORM, FORM) for each in workloads if each.name == "same"]
        rows += [Row(each, [], "differs", "they differ", 0.1) for each in workloads if each.name == "differs"]
        rows += [Row(each, [], "not built", "nobody builds it") for each in workloads if each.name == "unknown"]
        return Report("the rival", {}, {}, {"threads": 1, "rounds": 6, "tuned_malloc": False}, [], rows)

    monkeypatch.setattr(command, "chosen", lambda names: [workload(name) for name in names])
    monkeypatch.setattr(command, "find", lambda name: plan.peer)
    monkeypatch.setattr(command, "compared", found)
    options = {"peer": "rival", "threads": 1, "only_list": False}
    return lambda names, **more: peers(names, **{**options, **more})


def test_json_is_all_that_is_printed(run, capsys):
    assert run(["same"], json=command.files.PRINTED) == 0
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


def test_markdown_is_printed_or_written(run, capsys, tmp_path):
    assert run(["same"], markdown=command.files.PRINTED) == 0
    assert capsys.readouterr().out.startswith("# tinytorch and the rival\n")
    assert run(["same"], markdown=tmp_path / "found.md") == 0
    assert (tmp_path / "found.md").read_text().startswith("# tinytorch and the rival\n")


def test_what_was_named_and_not_built_sets_the_status(run, capsys):
    assert run(["same", "unknown"]) == 2
    assert "tinytorch: unknown was not measured: nobody builds it\n" in capsys.readouterr().err


def test_what_was_not_named_may_be_not_built(run, monkeypatch, workload):
    monkeypatch.setattr(command, "chosen", lambda names: [workload("same"), workload("unknown")])
    assert run(["ops"]) == 0


def test_only_one_thing_can_be_printed(run):
    with pytest.raises(CommandError, match="expected '-' once at most"):
        run(["same"], json=command.files.PRINTED, markdown=command.files.PRINTED)


def test_resuming_needs_a_file(run):
    with pytest.raises(CommandError, match="--resume: expected --json FILE"):
        run(["same"], resume=True, json=command.files.PRINTED)


def test_a_comparison_goes_on_where_it_stopped(plan, workload, monkeypatch, tmp_path):
    monkeypatch.setattr(noise, "warnings", list)
    file, asked = tmp_path / "kept.json", []
    real = command.measured
    monkeypatch.setattr(command, "measured", lambda each, *rest: asked.append(each.name) or real(each, *rest))

    def stopped(each, *rest):
        if each.name == "forms":
            raise KeyboardInterrupt
        return real(each, *rest)

    with monkeypatch.context() as context:
        context.setattr(command, "measured", stopped)
        with pytest.raises(KeyboardInterrupt):
            compared([workload("same"), workload("differs"), workload("forms")], plan, file)
    assert [row.workload.name for row in stored.load(file).rows] == ["same", "differs"]
    report = compared([workload("same"), workload("differs"), workload("forms")], plan, file)
    assert asked == ["differs", "forms"]  # what differed may have been repaired
    assert sorted(row.workload.name for row in report.rows) == ["differs", "forms", "same"]
    with pytest.raises(PeerError, match="was begun with another settings"):
        compared([workload("same")], replace(plan, rounds=7), file)
