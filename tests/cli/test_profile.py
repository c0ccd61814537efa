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


def test_half_a_character_in_a_name_is_printed_as_its_number(tinytorch, script):
    script.write_text("from tinytorch_profiling import record\nwith record('loading \\udcff'): pass\n")
    for more in ("--json", "--by=range"):
        done = tinytorch("profile", script, more)
        assert (done.status, done.err) == (0, "")
        assert "loading \\udcff" in done.out


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


def test_the_last_word_of_a_script_is_told(tinytorch, script):
    script.write_text("import sys\nsys.exit('went wrong')")
    done = tinytorch("profile", script)
    assert (done.status, done.err) == (1, "went wrong\n")


@pytest.mark.parametrize("code", ["", "None", "0"])
def test_a_script_that_ends_well_says_nothing(tinytorch, script, code):
    script.write_text(f"import sys\nsys.exit({code})")
    done = tinytorch("profile", script)
    assert (done.status, done.err) == (0, "")


def test_files_are_where_they_were_asked_for_when_a_script_goes_elsewhere(tinytorch, script):
    elsewhere = tinytorch.folder / "elsewhere"
    elsewhere.mkdir()
    script.write_text(SCRIPT + "import os\nos.chdir('elsewhere')\n")
    done = tinytorch("profile", script, "--html", "report.html")
    assert done.status == 0
    assert (tinytorch.folder / "report.html").exists()
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere.py"], "tinytorch: there is no script nowhere.py"),
        (["nothing"], "'nothing'"),
        (["xor", "--by", "opp"], "there is no table by 'opp'; there are op, module"),
        (["xor", "--sort", "size"], "cannot sort by 'size'; columns are name, calls"),
        (["xor", "--html", "no/folder.html"], "--html no/folder.html: expected a file in a folder that is there"),
        (["xor", "--memory", "--html", "report.html"], "--memory and --html: a look at memory writes no files"),
        (
            ["xor", "--trace", "a.json", "--stacks", "./a.json"],
            "--trace a.json and --stacks a.json: each needs its own",
        ),
        (["xor", "--html", f"{'a' * 300}.html"], ".html: cannot write there: File name too long"),
        (["xor", "--html", "report.txt"], "expected a file name that ends in .html"),
    ],
)
def test_a_mistake_is_one_sentence(tinytorch, arguments, sentence):
    done = tinytorch("profile", *arguments)
    assert done.status == 1
    assert sentence in done.err
    assert done.err.count("\n") == 1
    assert done.out == ""
