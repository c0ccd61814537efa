"""`tinytorch profile`: tables, files and JSON of a recipe's steps or of a script."""

import json

import pytest

pytest.importorskip("tinytorch_profiling")

SCRIPT = """
import sys
import tinytorch as tt
from beside import NUMBER
tt.ones(NUMBER).exp()
print("argument", *sys.argv[1:])
"""


@pytest.fixture
def script(tinytorch):
    (tinytorch.folder / "beside.py").write_text("NUMBER = 4\n")
    path = tinytorch.folder / "script.py"
    path.write_text(SCRIPT)
    return path


def test_a_recipe_is_profiled_for_some_steps(tinytorch):
    done = tinytorch("profile", "xor", "--steps", 3, "--warmup", 2, "--by", "op,phase")
    assert (done.status, done.err) == (0, "")
    assert [title in done.out for title in ("by op", "by phase", "by module")] == [True, True, False]
    assert "adam_step" in done.out


def test_json_is_all_there_is(tinytorch):
    done = tinytorch("profile", "xor", "--steps", 3, "--warmup", 0, "--json")
    found = json.loads(done.out)
    steps = {row["name"]: row["calls"] for row in found["tables"]["op"]["rows"] if "calls" in row}
    assert steps["adam_step"] == 3
    assert found["wall"] > 0


def test_a_script_runs_as_python_would_run_it(tinytorch, script):
    done = tinytorch("profile", script, "--", "one", "--two")
    assert done.status == 0
    assert "argument one --two" in done.out
    assert "exp" in done.out


def test_files_are_written(tinytorch, script):
    names = ["report.html", "trace.json.gz", "stacks.json"]
    done = tinytorch("profile", script, "--html", names[0], "--trace", names[1], "--stacks", names[2])
    assert done.status == 0
    assert all(f"written: {name}" in done.out for name in names)
    assert all((tinytorch.folder / name).stat().st_size > 100 for name in names)


def test_a_roofline_is_drawn(tinytorch):
    pytest.importorskip("matplotlib")
    done = tinytorch("profile", "digits-mlp", "--steps", 2, "--roofline", "roof.png")
    assert (done.status, done.err) == (0, "")
    assert (tinytorch.folder / "roof.png").read_bytes().startswith(b"\x89PNG")


def test_memory_is_looked_at_in_a_pass_of_its_own(tinytorch, script):
    done = tinytorch("profile", "xor", "--steps", 3, "--memory")
    assert (done.status, done.err) == (0, "")
    assert "optimizer state" in done.out
    assert "leaks: none in 3 steps" in done.out
    found = json.loads(tinytorch("profile", script, "--memory", "--json").out)
    assert found["peak"] > 0


def test_a_failing_script_is_shown_with_what_it_did(tinytorch, script):
    script.write_text(SCRIPT + "raise KeyError('gone')\n")
    done = tinytorch("profile", script)
    assert done.status == 1
    assert "KeyError: 'gone'" in done.err
    assert "exp" in done.out


def test_a_scripts_exit_status_is_the_commands(tinytorch, script):
    script.write_text("raise SystemExit(7)")
    assert tinytorch("profile", script).status == 7


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere.py"], "tinytorch: there is no script nowhere.py"),
        (["nothing"], "'nothing'"),
        (["xor", "--by", "opp"], "there is no table by 'opp'; there are op, module"),
        (["xor", "--sort", "size"], "cannot sort by 'size'; columns are name, calls"),
        (["xor", "--html", "no/folder.html"], "--html no/folder.html: expected a file in a folder that is there"),
        (["xor", "--memory", "--html", "report.html"], "--memory and --html: a look at memory writes no files"),
        (["xor", "--html", "report.txt"], "expected a file name that ends in .html"),
    ],
)
def test_a_mistake_is_one_sentence(tinytorch, arguments, sentence):
    done = tinytorch("profile", *arguments)
    assert done.status == 1
    assert sentence in done.err
    assert done.err.count("\n") == 1
    assert done.out == ""
