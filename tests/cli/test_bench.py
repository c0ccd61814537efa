"""`tinytorch bench peers`: mistakes are sentences, and one small workload goes the whole way."""

import importlib.util
import json

import pytest

pytest.importorskip("tinytorch_bench")


def test_the_workloads_are_listed_with_their_aims(tinytorch):
    done = tinytorch("bench", "peers", "--list", "mlp", "inference")
    assert (done.status, done.err) == (0, "")
    names = [line.split()[0] for line in done.out.splitlines()]
    assert names == ["workload", "mlp", "resnet8-infer", "ds-cnn-infer", "mobilenet-v1-infer", "autoencoder-infer"]
    assert done.out.splitlines()[1].split()[2:4] == ["0.90", "0.65"]


def test_without_a_command_it_says_what_there_is(tinytorch):
    done = tinytorch("bench")
    assert done.status == 0
    assert "peers" in done.out


def test_a_mistake_is_one_sentence(tinytorch):
    done = tinytorch("bench", "peers", "mpl")
    assert (done.status, done.out) == (1, "")
    assert done.err == "tinytorch: there is no workload 'mpl'; did you mean 'mlp'?\n"


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs PyTorch")
def test_a_small_op_is_compared_with_pytorch(tinytorch):
    options = ["--plugins", "", "--threads", 1, "--rounds", 6, "--json", "-", "--html", "page.html"]
    done = tinytorch("bench", "peers", "add", *options)
    assert "add (1 of 1) ..." in done.err
    found = json.loads(done.out)
    (row,) = found["rows"]
    assert (row["outcome"], row["aim"], len(row["theirs"]["rounds"])) == ("measured", 1.0, 6)
    assert done.status == int(row["failed"])
    assert "PyTorch with 1 thread" in (tinytorch.folder / "page.html").read_text()


def test_a_task_of_mlperf_tiny_goes_the_whole_way(tinytorch, real_data):
    folder = real_data("kws").parent
    options = [
        "--precision",
        "float32",
        "--quick",
        "--data",
        folder,
        "--plugins",
        "",
        "--json",
        "-",
        "--html",
        "t.html",
    ]
    done = tinytorch("bench", "tiny", "kws", *options)
    assert "kws (1 of 1) ..." in done.err
    (found,) = json.loads(done.out)["results"]
    assert (found["quality"]["files"], found["quality"]["of"]) == (100, 1000)
    assert found["breaches"][0] == "3 windows of 0.3 s instead of 5 of 10 s"
    assert "unverified, not an official MLPerf result" in (tinytorch.folder / "t.html").read_text()
    assert done.status == int(not found["quality"]["reached"])


def test_a_task_that_was_named_and_cannot_be_run_ends_with_2(tinytorch):
    done = tinytorch("bench", "tiny", "vww", "--data", tinytorch.folder)
    assert done.status == 2
    assert "tinytorch: vww was not run: there is no" in done.err
    assert "vww: not run" in done.out
