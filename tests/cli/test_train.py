import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest


def test_a_training_ends_with_a_summary(tinytorch):
    done = tinytorch("train", "xor", "--epochs", "100")
    assert done.status == 0
    assert done.err == ""
    line = r"epoch +4/100  loss [\d.]+  accuracy +[\d.]+ %  [\d,]+ samples/s  ETA \d+:\d\d"
    assert re.fullmatch(line, done.out.splitlines()[0])
    assert "epoch 100/100" in done.out
    assert "test accuracy  100.00 % (4 of 4 held out)" in done.out
    assert "plugins        none, the core alone" in done.out
    assert "\x1b" not in done.out  # plain when it is no terminal


def test_json_is_one_object_and_nothing_else(tinytorch):
    done = tinytorch("train", "digits-mlp", "--epochs", "2", "--seed", "5", "--json")
    assert (done.status, done.err) == (0, "")
    result = json.loads(done.out)
    assert result["recipe"] == "digits-mlp"
    assert (result["seed"], result["epochs"], result["batch_size"]) == (5, 2, 32)
    assert result["test_accuracy"] > 0.8
    assert result["samples"] == 2 * 1438
    assert result["plugins"] == []
    assert [entry["epoch"] for entry in result["history"]] == [1, 2]


def test_a_loss_that_is_nan_is_still_json(tinytorch):
    done = tinytorch("train", "digits-mlp", "--epochs", "2", "--lr", "1000", "--json")
    assert done.status == 0
    json.loads(done.out, parse_constant=pytest.fail)  # no NaN, no Infinity


def test_the_same_seed_gives_the_same_numbers(tinytorch):
    runs = [json.loads(tinytorch("train", "digits-mlp", "--epochs", "1", "--seed", s, "--json").out) for s in (1, 1, 2)]
    assert runs[0]["history"] == runs[1]["history"] != runs[2]["history"]
    assert runs[0]["test_loss"] == runs[1]["test_loss"]


def test_a_resumed_run_ends_with_the_bits_of_an_unbroken_one(tinytorch):
    unbroken = tinytorch("train", "digits-mlp", "--epochs", "4", "--checkpoint", "unbroken.npz", "--json")
    path = tinytorch.folder / "broken.npz"
    kill_after_epochs(tinytorch.folder, path, 2)
    resumed = tinytorch("train", "--resume", path, "--json")
    assert resumed.status == 0
    first, second = json.loads(unbroken.out), json.loads(resumed.out)
    assert first["history"] == second["history"]
    assert first["test_loss"] == second["test_loss"]
    assert path.read_bytes() == (tinytorch.folder / "unbroken.npz").read_bytes()


SLOW = """
import sys, time
from tinytorch.core.training import Trainer
learn = Trainer._learn
def slowly(self, *batch):
    learn(self, *batch)
    time.sleep(0.02)
Trainer._learn = slowly
from tinytorch.cli.app import run
sys.exit(run())
"""


def start_slowly(folder, *arguments):
    """Start a training that sleeps after each batch, so that it can be interrupted anywhere."""
    environment = {**os.environ, "TINYTORCH_PLUGINS": "", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-u", "-c", SLOW, "train", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True)


def kill_after_epochs(folder, path, epochs):
    with start_slowly(folder, "digits-mlp", "--epochs", "4", "--checkpoint", str(path)) as process:
        for _ in range(epochs):
            assert process.stdout.readline().startswith("epoch")
        process.kill()


@pytest.mark.parametrize("wait", [0.0, 0.3])
def test_ctrl_c_keeps_what_was_learned_and_says_how_to_go_on(tinytorch, wait):
    path = tinytorch.folder / "run.npz"
    with start_slowly(tinytorch.folder, "digits-mlp", "--epochs", "3", "--checkpoint", "run.npz") as process:
        assert process.stdout.readline().startswith("epoch")
        time.sleep(wait)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
        assert process.returncode == 130
    lines = err.splitlines()
    assert len(lines) == 1
    assert re.fullmatch(
        r"tinytorch: stopped in epoch 2 after batch \d+ of 45; go on with: tinytorch train --resume run.npz", lines[0]
    )
    resumed = json.loads(tinytorch("train", "--resume", path, "--json").out)
    unbroken = json.loads(tinytorch("train", "digits-mlp", "--epochs", "3", "--json").out)
    assert resumed["history"] == unbroken["history"]
    assert resumed["test_loss"] == unbroken["test_loss"]


def test_ctrl_c_without_a_checkpoint_says_that_nothing_is_kept(tinytorch):
    with start_slowly(tinytorch.folder, "digits-mlp") as process:
        assert process.stdout.readline().startswith("epoch")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == 130
    assert err.count("\n") == 1
    assert "nothing is kept without --checkpoint" in err


def test_a_resumed_run_may_go_on_longer(tinytorch):
    tinytorch("train", "xor", "--epochs", "5", "--checkpoint", "run.npz")
    done = tinytorch("train", "xor", "--resume", "run.npz", "--epochs", "8", "--json")
    assert len(json.loads(done.out)["history"]) == 8


def test_a_finished_run_has_nothing_left_to_do(tinytorch):
    tinytorch("train", "xor", "--epochs", "5", "--checkpoint", "run.npz")
    done = tinytorch("train", "--resume", "run.npz")
    assert done.status == 0
    assert "0 samples" in done.out


def test_eval_gives_the_accuracy_that_training_ended_with(tinytorch):
    trained = json.loads(tinytorch("train", "digits-mlp", "--epochs", "2", "--checkpoint", "run.npz", "--json").out)
    done = tinytorch("eval", "run.npz", "--json")
    assert (done.status, done.err) == (0, "")
    tested = json.loads(done.out)
    assert tested["test_accuracy"] == trained["test_accuracy"]
    assert tested["test_loss"] == trained["test_loss"]
    assert tested["recipe"] == "digits-mlp"
    plain = tinytorch("eval", "run.npz").out
    assert "run.npz: digits-mlp, seed 0, after 2 epochs" in plain
    assert f"test accuracy  {100 * trained['test_accuracy']:.2f} %" in plain


def test_plugins_are_used_and_named(tinytorch, guest):
    done = tinytorch("train", "digits-mlp", "--epochs", "1", "--plugins", "guest", path=[guest])
    assert done.status == 0, done.err
    assert "plugins        guest" in done.out
    assert "from the guest\nall is well" in done.out
    alone = tinytorch("train", "digits-mlp", "--epochs", "1", "--json", path=[guest])
    with_guest = tinytorch("train", "digits-mlp", "--epochs", "1", "--plugins", "guest", "--json", path=[guest])
    assert json.loads(with_guest.out)["plugins"] == ["guest"]
    assert json.loads(with_guest.out)["report"] == [{"title": "from the guest", "text": "all is well"}]
    assert json.loads(alone.out)["history"] == json.loads(with_guest.out)["history"]


def test_an_empty_option_is_the_core_alone_whatever_the_configuration_says(tinytorch, guest):
    (tinytorch.folder / "tinytorch.toml").write_text('plugins = ["guest"]\n')
    configured = tinytorch("train", "xor", "--epochs", "2", "--json", path=[guest])
    assert json.loads(configured.out)["plugins"] == ["guest"]
    alone = tinytorch("train", "xor", "--epochs", "2", "--json", "--plugins", "", path=[guest])
    assert json.loads(alone.out)["plugins"] == []


def test_what_a_plugin_prints_does_not_spoil_the_json(tinytorch, guest):
    with (guest / "guest_plugin.py").open("a") as file:
        file.write("print('I am loud')\n")
    done = tinytorch("train", "xor", "--epochs", "2", "--json", "--plugins", "guest", path=[guest])
    assert json.loads(done.out)["plugins"] == ["guest"]
    assert "I am loud" in done.err


def test_detect_anomaly_names_the_op_and_no_line_of_the_framework(tinytorch, guest):
    source = guest / "guest_plugin.py"
    source.write_text(source.read_text().replace("(x > 0) * x", "x * float('nan')"))
    done = tinytorch("train", "digits-mlp", "--plugins", "guest", "--detect-anomaly", path=[guest])
    assert done.status == 1
    assert re.fullmatch(r"tinytorch: relu: nan in the result of inputs \(32, \d+\), from finite inputs\n", done.err)


def test_fashion_says_how_to_get_its_files(tinytorch):
    done = tinytorch("train", "fashion-cnn", "--data", "nowhere")
    assert done.status == 1
    assert done.err.count("\n") == 1
    assert "apt install dataset-fashion-mnist" in done.err
