"""`tinytorch bench compare` says what changed, and tells CI by its status."""

import json

import pytest
from clocks_for_tests import Clock, run_of

from tinytorch_bench.commands import compare, part
from tinytorch_bench.comparing import CompareError


@pytest.fixture
def stored(tmp_path):
    """Store runs of models that take so many seconds, and give their path."""

    def store(name, seed, **models):
        path = tmp_path / name
        run_of(Clock(seed, jitter=0.01, drift=0.0), **models).save(path)
        return path

    return store


def run(*paths, limit="5%", as_json=False):
    return compare(*paths, limit, as_json)


def test_equals_give_0(stored, capsys):
    assert run(stored("a.json", 1, m=1e-3), stored("b.json", 2, m=1e-3)) == 0
    out = capsys.readouterr().out
    assert "no difference shown" in out
    assert "regression" not in out


def test_a_regression_gives_1_and_its_sentence(stored, capsys):
    assert run(stored("a.json", 1, m=1e-3), stored("b.json", 2, m=1.2e-3)) == 1
    assert "regression: m on data: time +" in capsys.readouterr().out


def test_what_is_wrong_gives_2_and_one_sentence(stored, capsys, tmp_path):
    good = stored("a.json", 1, m=1e-3)
    (tmp_path / "bad.json").write_text('{"rows": NaN}')
    (tmp_path / "empty").mkdir()
    wrong = [
        (good, tmp_path / "bad.json", "5%", "bad.json: expected finite numbers, got NaN"),
        (good, tmp_path / "none.json", "5%", "none.json cannot be read: No such file or directory"),
        (good, tmp_path / "empty", "5%", "empty: expected stored runs, *.json, in this folder"),
        (good, stored("n.json", 1, n=1e-3), "5%", "the runs have no model and dataset in common"),
        (good, good, "much", "--fail-above: expected a part such as 5% or 0.05, got 'much'"),
    ]
    for first, second, limit, sentence in wrong:
        assert run(first, second, limit=limit) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert sentence in err
        assert err.count("\n") == 1


def test_json_is_all_that_is_printed(stored, capsys):
    assert run(stored("a.json", 1, m=1e-3), stored("b.json", 2, m=1.2e-3), as_json=True) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["failed"], found["limit"], found["changes"][0]["ratio"]["verdict"]) == (True, 0.05, "slower")


def test_folders_of_runs_are_compared(stored, tmp_path, capsys):
    for side, first in (("a", 10), ("b", 20)):
        (tmp_path / side).mkdir()
        for seed in range(first, first + 5):
            stored(f"{side}/{seed}.json", seed, m=1e-3)
    assert run(tmp_path / "a", tmp_path / "b") == 0
    assert "no difference shown" in capsys.readouterr().out


@pytest.mark.parametrize(("text", "value"), [("5%", 0.05), (" 2.5 %", 0.025), ("0.1", 0.1), ("0", 0.0), ("150%", 1.5)])
def test_parts_are_read(text, value):
    assert part(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "%", "-1%", "nan", "inf", "5%%", "5% or so"])
def test_what_is_no_part_is_refused(text):
    with pytest.raises(CompareError, match=r"expected a part such as 5% or 0\.05"):
        part(text)
