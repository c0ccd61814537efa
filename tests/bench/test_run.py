"""A stored run is read as it was written, is whole at any instant, and is trusted in nothing."""

import json
from dataclasses import asdict, replace

import pytest
from clocks_for_tests import Clock, run_of

from tinytorch_bench import FormatError, load
from tinytorch_bench.reading import schema_of


@pytest.fixture
def run():
    return run_of(Clock(1), m=1e-3, n=2e-3)


def test_a_run_goes_through_a_file_unchanged(run, tmp_path):
    run.save(tmp_path / "run.json")
    assert load(tmp_path / "run.json") == run


def test_it_follows_the_schema_for_others_too(run):
    import jsonschema

    schema = schema_of("run-1")
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(run.as_dict(), schema)


def test_a_run_that_cannot_be_is_not_written(run, tmp_path):
    path = tmp_path / "run.json"
    run.save(path)
    broken = replace(run, rows=[replace(run.rows[0], seconds=[float("nan")] * 40)])
    with pytest.raises(ValueError, match="expected finite numbers"):
        broken.save(path)
    assert load(path) == run
    assert [file.name for file in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize(
    ("place", "value", "sentence"),
    [
        ("kind", "another", "kind: 'tinytorch bench run' was expected"),
        ("version", 2, "version: 1 was expected"),
        ("rows", [], "rows: [] should be non-empty"),
        ("written", "now", "written: 'now' does not match"),
        ("settings", {"batch": 0, "rounds": 40, "seconds": 0.1}, "settings/batch: 0 is less than the minimum of 1"),
        (
            "settings",
            {"batch": 1, "rounds": 41, "seconds": 0.1},
            "expected 41 times, one for each round, in every list",
        ),
        ("extra", 1, "'extra' was unexpected"),
    ],
)
def test_a_file_that_is_no_run_is_refused(run, tmp_path, place, value, sentence):
    path = tmp_path / "run.json"
    path.write_text(json.dumps({**run.as_dict(), place: value}))
    with pytest.raises(FormatError) as raised:
        load(path)
    assert sentence in str(raised.value)


def test_a_model_that_stands_there_twice_is_refused(run, tmp_path):
    path = tmp_path / "run.json"
    path.write_text(json.dumps({**run.as_dict(), "rows": [asdict(run.rows[0])] * 2}))
    with pytest.raises(FormatError, match="a model stands there twice with one dataset"):
        load(path)


def test_models_of_one_run_are_compared_round_by_round(run):
    found = run.ratio("n", "m")
    assert found.low < 2.0 < found.high
    assert found.verdict() == "slower"


def test_a_row_that_is_not_there_is_said(run):
    with pytest.raises(KeyError, match="there is no model 'x' on any dataset; there are 'm' on data, 'n' on data"):
        run.row("x")
