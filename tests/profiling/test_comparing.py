"""Two functions are timed in turn, two profiles are held against each other row by row."""

import json
import math
from time import sleep

import pytest

import tinytorch as tt
from tinytorch_profiling import compare, profile
from tinytorch_profiling.comparing import ALL


def profiled(*ops):
    with profile() as p:
        for op in ops:
            getattr(tt.ones(4), op)()
    return p


def test_the_slower_of_two_functions_is_called_so():
    found = compare(lambda: sleep(0.0005), lambda: sleep(0.002), rounds=17, seconds=1.0)
    assert found.verdict == "slower"
    assert 2.0 < found.ratio.low <= found.ratio.value <= found.ratio.high
    assert str(found).startswith("slower: ")
    assert json.loads(json.dumps(found.to_dict()))["verdict"] == "slower"


def test_profiles_are_compared_op_by_op(tmp_path):
    before, after = profiled("exp", "log"), profiled("exp", "exp", "sin")
    file = tmp_path / "before.json"
    file.write_text(json.dumps(before.to_dict()))
    table = compare(file, after)
    rows = {row["name"]: row for row in table.rows}
    assert (rows["exp"]["calls_before"], rows["exp"]["calls_after"]) == (1, 2)
    assert rows["exp"]["ratio"] == rows["exp"]["after"] / rows["exp"]["before"]
    assert (rows["sin"]["ratio"], rows["log"]["after"]) == (None, 0)
    assert (rows[ALL]["before"], rows[ALL]["after"]) == (before.recording.wall, after.recording.wall)
    assert table.rows[0]["name"] == ALL


def test_one_of_each_is_refused():
    with pytest.raises(TypeError, match="expected two functions or two profiles, got profile and function"):
        compare(profiled("exp"), lambda: None)


@pytest.mark.parametrize("wrong", [{"rounds": 0}, {"seconds": -1.0}, {"seconds": math.inf}, {"seconds": math.nan}])
def test_no_rounds_are_refused(wrong):
    with pytest.raises(ValueError, match="compare: expected rounds of 1 or more and finite seconds"):
        compare(lambda: None, lambda: None, **wrong)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([{"name": "exp", "self_time": math.nan}], "expected a finite number for self_time of exp, got nan"),
        ([{"name": "exp", "self_time": 10**400}], "expected a finite number for self_time of exp, got 1000"),
        ([{"name": "exp", "self_time": 1, "calls": "z"}], "expected a finite number for calls of exp, got 'z'"),
        ([{"name": "exp", "self_time": 1, "calls": 1.5}], "expected a finite number for calls of exp, got 1.5"),
        ([{"name": "exp", "self_time": True}], "expected a finite number for self_time of exp, got True"),
        ([{"name": "exp", "self_time": 1}] * 2, "expected one row for each op, got another for 'exp'"),
        ([{"name": 3, "self_time": 1}], "expected one row for each op, got another for 3"),
    ],
)
def test_what_no_profile_gives_is_refused(rows, sentence):
    with pytest.raises(ValueError, match=f"compare: {sentence}"):
        compare({"wall": 1, "tables": {"op": {"rows": rows}}}, profiled("exp"))


def test_a_whole_that_is_no_time_is_refused():
    with pytest.raises(ValueError, match="expected a finite number for wall, got inf"):
        compare({"wall": math.inf, "tables": {"op": {"rows": []}}}, profiled("exp"))


@pytest.mark.parametrize("content", ["{}", '{"tables": 3, "wall": 1}', "[]", "no json", "[" * 100_000])
def test_a_file_that_is_no_profile_is_refused(content, tmp_path):
    file = tmp_path / "file.json"
    file.write_text(content)
    with pytest.raises(ValueError, match="compare: "):
        compare(file, profiled("exp"))
