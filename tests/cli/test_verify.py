"""`tinytorch verify`: a report for people and for programs, and a status for CI."""

import json

import pytest

pytest.importorskip("typer")

from tinytorch import plugins
from tinytorch.cli.app import run
from tinytorch.testing.plugins import make
from tinytorch.verify import run as running


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """The sections on ops and plugins alone: the others have tests of their own, and take long."""
    chosen = [each for each in running.SECTIONS if each[0] in {"Every op", "Plugins"}]
    monkeypatch.setattr(running, "SECTIONS", tuple(chosen))
    for name in ("loopback", "liar"):
        plugins.register(make(name), name)


def test_a_plugin_that_is_right_passes(capsys):
    assert run(["verify", "--quick", "--plugin", "loopback", "--op", "exp"]) == 0
    out, err = capsys.readouterr()
    assert [line.split()[:4] for line in out.splitlines() if "loopback: exp" in line] == [
        ["loopback:", "exp", "passed", "0"]
    ]
    assert out.splitlines()[-1] == "passed: 2 passed, 0 failed"
    assert err.splitlines() == ["Every op ...", "Plugins ..."]


def test_a_plugin_that_is_wrong_fails(capsys):
    assert run(["verify", "--quick", "--plugin", "liar", "--op", "exp"]) == 1
    out = capsys.readouterr().out
    assert "liar: exp" in out
    assert "is not the core's bit for bit" in out
    assert out.splitlines()[-1] == "FAILED: 1 passed, 1 failed"


def test_programs_get_one_object(capsys):
    assert run(["verify", "--quick", "--plugin", "liar", "--op", "exp", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["passed"] is False
    assert found["environment"]["plugins"] == "liar"
    assert [section["title"] for section in found["sections"]] == ["Every op", "Plugins"]
    assert found["sections"][0]["rows"][0]["outcome"] == "failed"


@pytest.mark.parametrize(
    ("suffix", "start"), [(".md", "# tinytorch verify"), (".html", "<!doctype html>"), (".json", "{")]
)
def test_the_report_is_written(tmp_path, capsys, suffix, start):
    path = tmp_path / f"report{suffix}"
    assert run(["verify", "--quick", "--plugin", "loopback", "--op", "exp", "--report", str(path)]) == 0
    assert path.read_text().startswith(start)
    assert "loopback: exp" in path.read_text()
    assert capsys.readouterr().out.splitlines()[-1] == f"the report is in {path}"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--report", "report.pdf"], "--report report.pdf: expected a file that ends in .md, .html or .json"),
        (["--report", "nowhere/report.md"], "--report nowhere/report.md: there is no folder nowhere"),
        (["--plugin", "nobody"], "plugin 'nobody' is not installed"),
        (["--op", "expp"], "'expp' is not an op; did you mean 'exp'?"),
    ],
)
def test_a_mistake_is_told_before_anything_is_tried(capsys, options, sentence):
    assert run(["verify", *options]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err


def test_what_a_section_raises_is_a_failed_row(monkeypatch, capsys):
    def broken(plan):
        raise RuntimeError("no such luck")

    monkeypatch.setattr(running, "SECTIONS", (("Broken", "Nothing.", broken),))
    assert run(["verify", "--quick", "--plugin", "loopback"]) == 1
    assert "RuntimeError: no such luck" in capsys.readouterr().out
