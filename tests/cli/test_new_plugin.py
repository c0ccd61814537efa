"""`tinytorch new-plugin`: what it writes is whole, installs, passes its own tests, and these tests can fail."""

import ast
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("typer")

import tinytorch
from tinytorch import plugins
from tinytorch.cli import new_plugin
from tinytorch.cli.app import run
from tinytorch.plugins import registry
from tinytorch.testing import OP_CASES, check_plugin

ROOT = Path(__file__).parents[2]
FILES = [
    ".gitignore",
    "README.md",
    "measure.py",
    "pyproject.toml",
    "src/tinytorch_plugin_quick/__init__.py",
    "tests/test_conformity.py",
]
OWN_TESTS = ("-m", "pytest", "-q", "-p", "no:cacheprovider")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def module_for(op):
    """The generated module for an op, imported from its text."""
    module = ModuleType("generated")
    exec(new_plugin._text("module.py.txt", new_plugin._fields("quick", op)), module.__dict__)  # noqa: S102
    return module


def test_it_writes_a_whole_distribution_and_says_what_comes_next(here, capsys):
    assert run(["new-plugin", "quick"]) == 0
    folder = here / "tinytorch-plugin-quick"
    assert files_in(folder) == FILES
    assert names_in(here) == ["tinytorch-plugin-quick"]
    out = capsys.readouterr().out
    assert out.startswith(f"{folder} is the plugin 'quick', which answers relu:\n")
    assert [line.split()[0] for line in out.splitlines()[-3:]] == ["python", "python", "tinytorch"]


def test_the_project_names_the_plugin_and_bounds_what_it_needs(here):
    assert run(["new-plugin", "quick-2_x"]) == 0
    written = tomllib.loads((here / "tinytorch-plugin-quick-2-x/pyproject.toml").read_text())
    project = written["project"]
    assert project["name"] == "tinytorch-plugin-quick-2-x"
    assert project["entry-points"] == {"tinytorch": {"quick-2_x": "tinytorch_plugin_quick_2_x"}}
    assert project["dependencies"] == [f"tinytorch-core~={tinytorch.__version__}"]
    assert written["build-system"]["requires"] == ["flit_core>=3.12,<4"]
    assert (here / "tinytorch-plugin-quick-2-x/src/tinytorch_plugin_quick_2_x/__init__.py").exists()


def test_for_programs_it_is_one_object(here, capsys):
    assert run(["new-plugin", "quick", "--folder", "my plugin", "--op", "exp", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["op"], told["folder"]) == ("exp", str(here / "my plugin"))
    assert sorted(told["files"]) == files_in(here / "my plugin") == FILES
    assert told["next"][0] == "python -m pip install -e 'my plugin' pytest"


def test_the_default_op_is_answered_as_the_core_does():
    plugins.register(module_for("relu"), "generated-relu")
    check_plugin("generated-relu", ["relu"])


@pytest.mark.parametrize("op", dict.fromkeys(case.op for case in OP_CASES))
def test_for_any_op_the_function_has_its_arguments_and_declines(op):
    module = module_for(op)
    plugins.register(module, "generated")  # which checks it
    arguments = registry.find(op).arguments
    assert op == "relu" or getattr(module, op)(*arguments) is None
    for template in ("measure.py.txt", "test_conformity.py.txt"):
        ast.parse(new_plugin._text(template, new_plugin._fields("quick", op)))


@pytest.mark.parametrize(("op", "told"), [("gelu", "a tuple of 2 new"), ("adam_step", "True"), ("cast", "a view")])
def test_the_function_says_what_an_answer_is(op, told):
    assert told in new_plugin._text("module.py.txt", new_plugin._fields("quick", op))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("core", "'core' cannot name a plugin"),
        ("a.b", "'a.b' cannot name a plugin"),
        ("../up", "cannot name a plugin"),
        ("Größe", "'Größe' cannot name a distribution"),
        ("quick_", "'quick_' cannot name a distribution"),
        ("tinytorch-quick", "'tinytorch-quick' names a distribution"),
        ("accel", "one of tinytorch's own, tinytorch-accel"),
        ("quick --op sofmax", "did you mean 'softmax'?"),
        ("quick --folder full", "exists and is not empty"),
        ("quick --folder full/file", "cannot write"),
        ("quick --folder no/where", "No such file"),
        ("quick --folder .", "the folder you are in"),
    ],
)
def test_a_mistake_is_one_sentence_and_writes_nothing(here, capsys, line, told):
    (here / "full").mkdir()
    (here / "full/file").touch()
    assert run(["new-plugin", *line.split()]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert told in err
    assert files_in(here) == ["full/file"]
    assert names_in(here) == ["full"]


def test_the_name_of_an_installed_plugin_is_taken(tinytorch, guest):
    for name in ("guest", "accel"):
        done = tinytorch("new-plugin", name, path=[guest])
        assert (done.status, done.out, done.err.count("\n")) == (1, "", 1)
        assert names_in(tinytorch.folder) == []
    assert "a plugin 'guest' is installed, by guest 3.1" in tinytorch("new-plugin", "guest", path=[guest]).err


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is unwritable here")
def test_an_unwritable_folder_is_one_sentence(here, capsys):
    here.chmod(0o500)
    assert run(["new-plugin", "quick"]) == 1
    here.chmod(0o700)
    assert "cannot write" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status", "told"), [(PermissionError(13, "denied"), 1, "denied"), (KeyboardInterrupt(), 130, "")]
)
def test_what_is_interrupted_leaves_nothing(here, monkeypatch, capsys, error, status, told):
    written = []

    def write_text(path, text, **options):
        written.append(path)
        path.touch()
        if len(written) == 3:
            raise error

    monkeypatch.setattr(Path, "write_text", write_text)
    assert run(["new-plugin", "quick"]) == status
    assert len(written) == 3
    assert names_in(here) == []
    assert told in capsys.readouterr().err


def test_an_empty_folder_is_filled(here):
    (here / "empty").mkdir()
    assert run(["new-plugin", "quick", "--folder", "empty"]) == 0
    assert files_in(here / "empty") == FILES


def installed(folder, site):
    """Install the distribution into `site`, without an index: what builds it, this project's build needed too."""
    uv = os.environ.get("UV") or shutil.which("uv") or ROOT / ".uv/bin/uv"
    command = [uv, "pip", "install", "--quiet", "--offline", "--no-deps", "--python", sys.executable]
    subprocess.run([*command, "--target", site, folder], check=True)
    return site


def python(folder, site, *arguments):
    """Run Python in the generated folder, with the installed plugin on its path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TINYTORCH_", "PYTEST_"))}
    search = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
    environment = {**kept, "PYTHONPATH": search, "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_it_installs_passes_its_tests_and_shows_and_its_tests_can_fail(tinytorch, tmp_path):
    assert tinytorch("new-plugin", "quick").status == 0
    folder = tinytorch.folder / "tinytorch-plugin-quick"
    site = installed(folder, tmp_path / "site")
    done = python(folder, site, *OWN_TESTS)
    assert done.returncode == 0, done.stdout
    found = json.loads(tinytorch("plugins", "--json", path=[site]).out)
    (quick,) = [each for each in found if each["name"] == "quick"]
    assert (quick["state"], quick["version"], quick["ops"]) == ("available", "0.1.0", ["relu"])
    chain = tinytorch("explain", "relu", "--plugins", "quick", "--json", path=[site]).out
    assert [step["plugin"] for step in json.loads(chain)["chain"]] == ["quick", "core"]

    module = site / "tinytorch_plugin_quick/__init__.py"
    module.write_text(module.read_text().replace("np.maximum(x, 0)", "np.maximum(x, 1)"))
    done = python(folder, site, *OWN_TESTS)
    assert done.returncode == 1
    assert "plugin 'quick' can be told from the core:\n" in done.stdout
    assert "relu: is not the core's bit for bit" in done.stdout


def test_what_it_measures_with_runs(tinytorch, tmp_path):
    assert tinytorch("new-plugin", "quick", "--op", "layer_norm").status == 0
    folder = tinytorch.folder / "tinytorch-plugin-quick"
    site = installed(folder, tmp_path / "site")
    done = python(folder, site, "measure.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("layer_norm: ")
