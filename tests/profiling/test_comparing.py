"""Two functions are timed in turn, two profiles are held against each other row by row."""

import json
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


@pytest.mark.parametrize("content", ["{}", '{"tables": 3, "wall": 1}', "[]", "no json"])
def test_a_file_that_is_no_profile_is_refused(content, tmp_path):
    file = tmp_path / "file.json"
    file.write_text(content)
    with pytest.raises(ValueError, match="compare: "):
        compare(file, profiled("exp"))
