"""`tinytorch quantize`, and `tinytorch eval` on what it wrote."""

import functools
import json
import shutil

import numpy as np
import pytest

pytest.importorskip("typer")
pytest.importorskip("tinytorch_quant")

POINTS = "[tinytorch]\nquant = tinytorch_quant.plugin\n[tinytorch.commands]\nquantize = tinytorch_quant.cli:app\n"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A run of an epoch, in a file."""
    from tinytorch.recipes import find, prepare

    path = tmp_path_factory.mktemp("trained") / "run.npz"
    run = prepare(find("digits-cnn"), epochs=1)
    run.fit()
    run.trainer.save_checkpoint(path)
    return path


@pytest.fixture
def trained(tinytorch, tmp_path, checkpoint):
    """Run the command with the plugin discovered, in a folder with a trained model."""
    info = tmp_path / "site" / "tinytorch_quant-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tinytorch-quant\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text(POINTS)
    shutil.copy(checkpoint, tinytorch.folder / "run.npz")
    command = functools.partial(tinytorch, path=(tmp_path / "site",))
    command.folder = tinytorch.folder
    return command


def test_what_it_writes_is_read_by_eval(trained):
    done = trained("quantize", "run.npz", "--to", "int8", "--out", "small.npz", "--json")
    assert (done.status, done.err) == (0, "")
    told = json.loads(done.out)
    assert told["disk_ratio"] < 0.27
    assert (trained.folder / "small.npz").stat().st_size < 0.1 * (trained.folder / "run.npz").stat().st_size
    evaluated = trained("eval", "small.npz", "--json")
    assert (evaluated.status, evaluated.err) == (0, "")
    found = json.loads(evaluated.out)
    assert found["transforms"] == ["quantize"]
    assert found["test_accuracy"] == told["scores"][1]["accuracy"]


def test_the_table_says_bytes_scores_errors_and_time(trained):
    done = trained("quantize", "run.npz", "--keep", "0", "--html", "page.html", "--scan", "--samples", 20)
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    assert [line.split(":")[0] for line in lines[:3]] == ["2", "7", "9"]  # the scan
    assert any(line.startswith("bytes on disk") for line in lines)
    assert any(line.startswith("Measured time: ") for line in lines)
    assert "Left in float: 0 (conv2d), clip." in lines
    assert lines[-1] == "written: page.html"
    assert (trained.folder / "page.html").read_text().startswith("<!doctype html>")


def test_examples_may_come_from_a_file(trained):
    np.save(trained.folder / "inputs.npy", np.random.default_rng(0).random((30, 1, 8, 8)))
    options = ("--to", "int4", "--mode", "weight-only", "--granularity", "32", "--calibrate", "inputs.npy")
    done = trained("quantize", "run.npz", *options, "--json")
    assert (done.status, done.err) == (0, "")
    assert json.loads(done.out)["memory_ratio"] < 0.17


@pytest.fixture(scope="module")
def writer(tmp_path_factory):
    """A writer of characters that was not trained, in a file."""
    from tinytorch.recipes import find, prepare

    path = tmp_path_factory.mktemp("writer") / "writer.npz"
    prepare(find("chars"), epochs=1).trainer.save_checkpoint(path)
    return path


def test_a_model_of_tokens_is_stored_in_codes(trained, writer):
    shutil.copy(writer, trained.folder / "writer.npz")
    refused = trained("quantize", "writer.npz", "--mode", "static")
    assert (refused.status, refused.out) == (1, "")
    assert refused.err == (
        "tinytorch: quantize: static mode needs inputs of floats; a model of tokens takes mode='weight_only'\n"
    )
    done = trained("quantize", "writer.npz", "--json")
    assert (done.status, done.err) == (0, "")
    assert json.loads(done.out)["mode"] == "weight-only"


def test_what_is_quantized_already_is_told(trained):
    assert trained("quantize", "run.npz", "--out", "small.npz", "--samples", 20).status == 0
    done = trained("quantize", "small.npz")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("tinytorch: quantize: expected a model of floats, got a PackedModel")


@pytest.mark.parametrize("kind", ["number", "zip", "empty"])
def test_a_file_that_is_no_array_of_inputs_is_told(trained, kind):
    with (trained.folder / "inputs.npy").open("wb") as file:
        if kind == "number":
            np.save(file, np.float32(3.0))
        elif kind == "zip":
            np.savez(file, x=np.ones((2, 2)))
    done = trained("quantize", "run.npz", "--calibrate", "inputs.npy")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("tinytorch: --calibrate: inputs.npy cannot be read as inputs: ")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--to", "int3"], "--to: expected int8 or int4, got 'int3'"),
        (["--mode", "some"], "--mode: expected static, dynamic or weight-only, got 'some'"),
        (["--observer", "none"], "QuantConfig: expected observer as one of"),
        (["--granularity", "²"], "QuantConfig: expected granularity as 'tensor', 'channel' or a group's size, got '²'"),
        (["--granularity", "32"], "QuantConfig: static mode needs symmetric weights, by tensor or channel"),
        (["--calibrate", "away.npy"], "--calibrate: away.npy cannot be read as inputs"),
        (["--calibrate", "away"], "this recipe's data comes with the core"),
        (["--out", "small.txt"], "a checkpoint's name ends in .npz or .safetensors, got small.txt"),
        (["--html", "away/page.html"], "cannot write away/page.html: No such file or directory"),
    ],
)
def test_what_cannot_be_is_one_sentence(trained, options, message):
    done = trained("quantize", "run.npz", *options)
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith(f"tinytorch: {message}")
    assert done.err.count("\n") == 1
