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
