"""Every mistake a person can make is one sentence on standard error, without a traceback."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tinytorch import recipes

pytest.importorskip("typer")

from tinytorch.cli.app import run

CANNOT, USAGE = 1, 2
MISTAKES = {
    "an unknown recipe": ("train digit-cnn", CANNOT, "did you mean 'digits-cnn'"),
    "no recipe": ("train", CANNOT, "which recipe?"),
    "an unknown option": ("train xor --epoch 3", USAGE, "(see tinytorch train --help)"),
    "a word for a number": ("train xor --epochs many", USAGE, "'--epochs'"),
    "a negative number": ("train xor --epochs -3", USAGE, "'--epochs'"),
    "half an epoch": ("train xor --epochs 1.5", USAGE, "'--epochs'"),
    "no rows": ("train xor --batch-size 0", USAGE, "'--batch-size'"),
    "a negative seed": ("train xor --seed -1", USAGE, "'--seed'"),
    "a rate that is none": ("train xor --lr nan", USAGE, "'--lr'"),
    "an infinite rate": ("train xor --lr inf", USAGE, "'--lr'"),
    "a value left out": ("train xor --seed", USAGE, "--seed"),
    "an unknown command": ("trian xor", USAGE, "no such command 'trian'"),
    "too many words": ("train xor xor", USAGE, "xor"),
    "a plugin that is not installed": ("train xor --plugins accle", CANNOT, "did you mean 'accel'"),
    "data for a recipe that reads none": ("train xor --data folder.npz", CANNOT, "comes with the core"),
    "a checkpoint of another ending": ("train xor --checkpoint run.pt", CANNOT, ".npz or .safetensors"),
    "a checkpoint in no folder": ("train xor --checkpoint no/where/run.npz", CANNOT, "no folder"),
    "a checkpoint that is a folder": ("train xor --checkpoint folder.npz", CANNOT, "folder.npz"),
    "an absent checkpoint": ("train --resume absent.npz", CANNOT, "no file absent.npz"),
    "a checkpoint that is none": ("train --resume text.npz", CANNOT, "text.npz"),
    "weights for a checkpoint": ("eval weights.npz", CANNOT, "no checkpoint of a training run"),
    "eval of nothing": ("eval", USAGE, "CHECKPOINT"),
    "eval of another ending": ("eval run.pt", CANNOT, ".safetensors or .npz"),
    "another recipe than the checkpoint's": ("train digits-mlp --resume xor.npz", CANNOT, "recipe xor, not digits-mlp"),
    "another seed than the checkpoint's": ("train --resume xor.npz --seed 3", CANNOT, "seed 0, not 3"),
    "another rate than the checkpoint's": ("train --resume xor.npz --lr 3", CANNOT, "lr 0.05, not 3.0"),
    "another size than the checkpoint's": ("train --resume xor.npz --batch-size 2", CANNOT, "batch-size 4, not 2"),
    "a text that is missing": ("train chars --text absent.txt", CANNOT, "there is no text absent.txt"),
    "a text that is a folder": ("train chars --text folder.npz", CANNOT, "cannot read folder.npz"),
    "a text that is none": ("train chars --text weights.npz", CANNOT, "weights.npz is no text"),
    "a text that is too short": (
        "train chars --text text.npz",
        CANNOT,
        "650 characters or more for windows of 64, got 5",
    ),
    "text from nothing": ("generate", USAGE, "CHECKPOINT"),
    "text from an absent checkpoint": ("generate absent.npz", CANNOT, "no file absent.npz"),
    "text from pictures": ("generate xor.npz", CANNOT, "no text model: it is of a run with recipe xor"),
    "text from weights": ("generate weights.npz", CANNOT, "no checkpoint of a training run"),
    "text from an absent .bin": ("generate model.bin --tokenizer tok.bin", CANNOT, "model.bin: cannot be read"),
    "a vocabulary for a checkpoint": ("generate xor.npz --tokenizer tok.bin", CANNOT, "has its own vocabulary"),
    "a temperature that is none": ("generate xor.npz --temperature nan", USAGE, "'--temperature'"),
    "a negative count": ("generate xor.npz --max-new-tokens -1", USAGE, "'--max-new-tokens'"),
    "an unknown op": ("explain matmull", CANNOT, "did you mean 'matmul'"),
    "no op": ("explain", USAGE, "OP"),
    "an unknown plugin to enable": ("plugins enable acel", CANNOT, "did you mean 'accel'"),
    "an unknown plugin to disable": ("plugins disable acel", CANNOT, "neither enabled nor installed"),
    "no plugin to enable": ("plugins enable", USAGE, "NAME"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_sentence(tmp_path, monkeypatch, capsys, name):
    """In this process: another one for each would take a minute."""
    line, status, told = MISTAKES[name]
    monkeypatch.chdir(tmp_path)
    Path("folder.npz").mkdir()
    Path("text.npz").write_text("hello")
    np.savez("weights.npz", weight=np.ones(3, np.float32))
    recipes.prepare(recipes.find("xor"), epochs=1, checkpoint="xor.npz").fit()
    assert run(line.split()) == status
    out, err = capsys.readouterr()
    assert err.count("\n") == 1
    assert err.startswith("tinytorch: ")
    assert told.lower() in err.lower()
    assert out == ""


def test_a_mistake_sets_the_status_of_the_process(tinytorch):
    for line, status in (("train nothing", CANNOT), ("train xor --epochs x", USAGE)):
        done = tinytorch(*line.split())
        assert (done.status, done.out, done.err.count("\n")) == (status, "", 1)


def test_a_broken_configuration_is_one_sentence(tinytorch):
    (tinytorch.folder / "tinytorch.toml").write_text("plugins = [")
    done = tinytorch("train", "xor")
    assert (done.status, done.out) == (1, "")
    assert done.err.count("\n") == 1
    assert "tinytorch.toml" in done.err


def test_a_plugin_asked_for_and_missing_is_one_sentence(tinytorch):
    done = tinytorch("train", "xor", environment={"TINYTORCH_PLUGINS": "nowhere"})
    assert (done.status, done.out) == (1, "")
    assert done.err.count("\n") == 1
    assert "TINYTORCH_PLUGINS" in done.err


def test_a_damaged_checkpoint_is_one_sentence(tinytorch):
    tinytorch("train", "xor", "--epochs", "1", "--checkpoint", "run.npz")
    path = tinytorch.folder / "run.npz"
    path.write_bytes(path.read_bytes()[:-100])
    for command in (("eval", path), ("train", "--resume", path)):
        done = tinytorch(*command)
        assert (done.status, done.out) == (1, "")
        assert done.err.count("\n") == 1
        assert "truncated" in done.err


def test_a_pipe_that_closes_is_no_traceback(tinytorch):
    command = f"{sys.executable} -m tinytorch train --help | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)  # noqa: S602  a pipe is wanted
    assert "Traceback" not in done.stderr
