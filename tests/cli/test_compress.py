"""`tinytorch prune`, `tinytorch compress` and `tinytorch sparsity`."""

import functools
import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("typer")
pytest.importorskip("tinytorch_compress")

from tinytorch import recipes
from tinytorch.cli import plugin_commands
from tinytorch.cli.app import run
from tinytorch.plugins import discovery


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A short training of the digits' perceptron."""
    path = tmp_path_factory.mktemp("trained") / "run.npz"
    recipes.prepare(recipes.find("digits-mlp"), epochs=3, checkpoint=path).fit()
    return path


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder for the path, where the plugin is discovered."""
    site = tmp_path_factory.mktemp("site")
    info = site / "tinytorch_compress-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tinytorch-compress\nVersion: 0.1.0\n")
    commands = "".join(f"{name} = tinytorch_compress.cli.{name}:app\n" for name in ("prune", "compress", "sparsity"))
    points = f"[tinytorch]\ncompress = tinytorch_compress.plugin\n[tinytorch.commands]\n{commands}"
    (info / "entry_points.txt").write_text(points)
    return site


@pytest.fixture
def command(tinytorch, site):
    """Run the command with the plugin discovered."""
    made = functools.partial(tinytorch, path=(site,))
    made.folder = tinytorch.folder
    return made


def test_prune_writes_a_model_that_eval_reads(command, checkpoint):
    done = command("prune", checkpoint, "--sparsity", 0.8, "--epochs", 1, "--out", "small.npz", "--json")
    assert (done.status, done.err) == (0, "")
    told = json.loads(done.out)
    before, after = told["stages"]
    size = (command.folder / "small.npz").stat().st_size
    assert size == told["out_bytes"] == after["packed_bytes"] < 0.4 * before["bytes"]
    assert after["sparsity"] == pytest.approx(0.8, abs=1e-3)
    tested = command("eval", "small.npz", "--json")
    assert json.loads(tested.out)["test_accuracy"] == after["accuracy"]
    again = command("prune", "small.npz", "--sparsity", 0.9, "--scope", "layer", "--method", "random")
    head, _, last, *rest = again.out.splitlines()
    assert head.split()[:3] == ["step", "zeros", "MACs"]
    assert last.split()[1] == "90.00"
    assert rest == []


@pytest.mark.parametrize("name", ["prune", "compress", "sparsity"])
def test_without_the_plugin_it_says_what_to_install(name, monkeypatch, capsys):
    monkeypatch.setattr(discovery, "installed", dict)
    monkeypatch.setattr(plugin_commands, "brought", dict)
    assert run([name, "run.npz"]) == 1
    needed = f"tinytorch: command '{name}' needs the plugin 'compress': pip install tinytorch-compress\n"
    assert capsys.readouterr().err == needed


def test_prune_structured_removes_channels(command, checkpoint):
    done = command("prune", checkpoint, "--sparsity", 0.5, "--structured", "--round-to", 8, "--epochs", 1, "--json")
    assert (done.status, done.err) == (0, "")
    before, after = json.loads(done.out)["stages"]
    assert (before["macs"], after["macs"]) == (64 * 128 + 128 * 10, 64 * 64 + 64 * 10)
    assert after["bytes"] < 0.6 * before["bytes"]


def test_compress_runs_the_steps_of_a_recipe(command, checkpoint):
    steps = '[[step]]\ntransform = "low_rank"\nrank = 16\n[[step]]\ntransform = "prune"\npattern = "2:4"\n'
    (command.folder / "r.toml").write_text(steps)
    done = command("compress", checkpoint, "--recipe", "r.toml", "--out", "small.safetensors")
    assert (done.status, done.err) == (0, "")
    rows = done.out.splitlines()
    assert [row.split("  ")[0] for row in rows[:4]] == ["step", "as it was", "low_rank", "prune"]
    assert rows[-1].startswith("written: small.safetensors, ")
    tested = command("eval", "small.safetensors")
    assert "after 3 epochs, then low_rank, then prune, then remove_masks" in tested.out


def test_sparsity_is_a_table_or_json_and_a_page(command, checkpoint):
    done = command("sparsity", checkpoint)
    assert (done.status, done.err) == (0, "")
    assert [row.split()[0] for row in done.out.splitlines()[:3]] == ["weight", "1.weight", "3.weight"]
    done = command("sparsity", checkpoint, "--curve", "--sensitivity", "--html", "r.html", "--json")
    told = json.loads(done.out)
    assert told["curve"][0]["score"] == told["sensitivity"][0]["scores"][0]
    assert [row["format"] for row in told["storage"]] == ["dense", "bitmap", "csr", "2:4", "gzip"]
    assert (command.folder / "r.html").read_text().startswith("<!doctype html>")


def test_a_curve_of_a_pruned_model_has_no_point_twice(command, checkpoint):
    assert command("prune", checkpoint, "--sparsity", 0.75, "--out", "small.npz").status == 0
    told = json.loads(command("sparsity", "small.npz", "--curve", "--json").out)
    shares = [point["sparsity"] for point in told["curve"]]
    assert shares == pytest.approx([0.75, 0.8, 0.9, 0.95], abs=1e-3)


def test_the_checkpoint_of_a_gradual_pruning_is_tested_and_pruned(command, tmp_path):
    from tinytorch_compress import GradualPruning

    run = recipes.prepare(recipes.find("digits-mlp"), epochs=1, checkpoint=tmp_path / "run.npz")
    run.trainer.callbacks.insert(0, GradualPruning(run.trainer.model, 0.5, end=20))
    run.fit()
    tested = command("eval", tmp_path / "run.npz", "--json")
    assert (tested.status, tested.err) == (0, "")
    assert json.loads(tested.out)["test_accuracy"] == run.evaluate()["accuracy"]
    pruned = command("prune", tmp_path / "run.npz", "--sparsity", 0.8, "--json")
    assert [stage["sparsity"] for stage in json.loads(pruned.out)["stages"]] == pytest.approx([0.5, 0.8], abs=1e-3)


REFUSED = [
    (["prune", "RUN"], "prune: expected either a sparsity or a pattern"),
    (["prune", "RUN", "--sparsity", "1"], "prune: expected sparsity of at least 0 and below 1, got 1.0"),
    (
        ["prune", "RUN", "--sparsity", "0.5", "--epochs", "1", "--lr", "-1"],
        "prune: expected lr as a number above 0, got -1.0",
    ),
    (["prune", "RUN", "--sparsity", "0.5", "--ignore", "7"], "prune: there is no weight '7' to ignore; there are "),
    (["prune", "RUN", "--pattern", "2:3"], "prune: 2:3 needs a multiple of 3 inputs; name in ignored: 1.weight"),
    (["prune", "RUN", "--sparsity", "0.5", "--out", "a.bin"], "--out: expected a path ending in .npz or "),
    (["prune", "RUN", "--sparsity", "0.5", "--out", "no/a.npz"], "--out: there is no folder "),
    (["prune", "RUN", "--sparsity", "0.5", "--lr", "0.1"], "prune: --lr needs --epochs"),
    (["prune", "RUN", "--sparsity", "0.5", "--round-to", "8"], "prune: --round-to needs --structured"),
    (["prune", "RUN", "--structured"], "prune: expected --sparsity and no --pattern with --structured"),
    (["prune", "RUN", "--sparsity", "0.5", "--structured", "--scope", "all"], "prune: expected --scope global or "),
    (
        ["prune", "RUN", "--sparsity", "1", "--structured"],
        "prune_structured: expected an amount of at least 0 and ",
    ),
    (["prune", "none.npz", "--sparsity", "0.5"], "load: there is no file none.npz"),
    (["compress", "RUN", "--recipe", "no.toml"], "cannot read the recipe no.toml: No such file or directory"),
    (["compress", "RUN", "--recipe", "bad.toml"], "compress: no enabled plugin brings a transform 'melt'; there "),
    (["compress", "RUN", "--recipe", "absent.toml"], "plugin 'absent' is not installed"),
    (["sparsity", "RUN", "--html", "a.txt"], "write_html: expected a path ending in .html, got a.txt"),
    (["sparsity", "RUN", "--plot", "no/a.png"], "cannot write the report no/a.png: No such file or directory"),
]

ONE_BY_ONE = """
import contextlib, io, json, sys
from tinytorch.cli.app import run
told = []
for arguments in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = run(arguments)
    told.append([status, out.getvalue(), err.getvalue()])
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def refusals(checkpoint, site, tmp_path_factory):
    """What every command line answers, all in one process, and the files that came of it."""
    folder = tmp_path_factory.mktemp("work")
    (folder / "bad.toml").write_text('[[step]]\ntransform = "melt"\n')
    (folder / "absent.toml").write_text('plugins = ["absent"]\n[[step]]\ntransform = "prune"\n')
    lines = [[str(checkpoint) if each == "RUN" else each for each in arguments] for arguments, _ in REFUSED]
    search = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
    program = [sys.executable, "-c", ONE_BY_ONE, json.dumps(lines)]
    done = subprocess.run(
        program, cwd=folder, env={**os.environ, "PYTHONPATH": search}, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout), {path.name for path in folder.iterdir()}


@pytest.mark.parametrize(("number", "sentence"), [*enumerate(sentence for _, sentence in REFUSED)])
def test_what_cannot_be_done_is_one_sentence(refusals, number, sentence):
    answers, files = refusals
    status, out, err = answers[number]
    assert (status, out.strip()) == (1, "")
    assert err.startswith(f"tinytorch: {sentence}")
    assert err.count("\n") == 1
    assert files == {"bad.toml", "absent.toml"}
