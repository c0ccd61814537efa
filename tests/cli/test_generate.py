import json
import os
import re
import signal
import subprocess
import sys

import pytest

from tinytorch.datasets.sentences import sentences


@pytest.fixture
def trained(tinytorch):
    """A checkpoint of a text model that has hardly learned."""
    (tinytorch.folder / "text.txt").write_text(sentences(60))
    done = tinytorch("train", "chars", "--text", "text.txt", "--epochs", "1", "--checkpoint", "run.npz")
    assert (done.status, done.err) == (0, "")
    return done


def test_a_text_is_learned_with_samples_and_a_summary(trained):
    first, *rest = trained.out.splitlines()
    assert re.fullmatch(r"epoch 1/1  loss [\d.]+  accuracy +[\d.]+ %  [\d,]+ tokens/s  ETA 0:00", first)
    assert rest[0].startswith("    ")
    summary = trained.out[trained.out.index("\n\nvalidation ") :]
    assert re.search(r"\nvalidation loss +\d\.\d{4}\n", summary)
    assert re.search(r"\ntraining +[\d,]+ tokens in [\d.]+ s, [\d,]+ tokens/s\n", summary)
    assert "\nplugins              none, the core alone\n" in summary


def test_a_resumed_text_needs_not_to_be_named_again(tinytorch, trained):
    resumed = tinytorch("train", "--resume", "run.npz", "--epochs", "2", "--json")
    unbroken = tinytorch("train", "chars", "--text", "text.txt", "--epochs", "2", "--json")
    assert (resumed.status, resumed.err) == (0, "")
    first, second = json.loads(resumed.out), json.loads(unbroken.out)
    assert first["history"][0]["epoch"] == 1
    assert len(first["history"]) == len(second["history"]) == 2
    assert first["validation_tokens"] == second["validation_tokens"]


def test_eval_gives_the_loss_that_training_ended_with(tinytorch, trained):
    told = re.search(r"validation loss +(\S+)", trained.out)[1]
    assert f"validation loss      {told}\n" in tinytorch("eval", "run.npz").out


def test_a_text_is_written_and_its_rate_told_on_standard_error(tinytorch, trained):
    done = tinytorch("generate", "run.npz", "--prompt", "the old", "--max-new-tokens", 100)
    assert done.status == 0
    assert done.out.startswith("the old")
    assert len(done.out) == len("the old") + 100 + 1
    assert re.fullmatch(r"100 tokens in [\d.]+ s, [\d,]+ tokens/s\n", done.err)
    assert (
        tinytorch("generate", "run.npz", "--prompt", "the old", "--max-new-tokens", 100, "--no-stream").out == done.out
    )


def test_json_is_one_object_and_the_seed_decides(tinytorch, trained):
    runs = [
        json.loads(tinytorch("generate", "run.npz", "--max-new-tokens", 20, "--seed", seed, "--json").out)
        for seed in (1, 1, 2)
    ]
    assert runs[0]["tokens"] == 20 == len(runs[0]["text"])
    assert runs[0]["text"] == runs[1]["text"] != runs[2]["text"]


@pytest.mark.parametrize("options", [["--prompt", "É"], ["--top-p", "0"]], ids=["unknown character", "top_p 0"])
def test_what_cannot_be_written_is_one_sentence(tinytorch, trained, options):
    done = tinytorch("generate", "run.npz", *options, "--json")
    assert (done.status, done.out, done.err.count("\n")) == (1, "", 1)
    assert done.err.startswith("tinytorch: ")


def test_an_unknown_character_is_told_without_advice_for_programs(tinytorch, trained):
    told = tinytorch("generate", "run.npz", "--prompt", "the É").err
    assert re.fullmatch(
        r"tinytorch: the model cannot read the prompt: .*'É' at position 4 is not among the .* \d+ characters\n", told
    )


def test_a_missing_model_is_told_before_a_missing_vocabulary(tinytorch):
    told = tinytorch("generate", "nothing.bin").err
    assert told == "tinytorch: nothing.bin: cannot be read as a llama2.c model: No such file or directory\n"


def start(folder, *arguments):
    command = [sys.executable, "-m", "tinytorch", "generate", "run.npz", *arguments]
    environment = {**os.environ, "TINYTORCH_PLUGINS": "", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=-1, stderr=-1, text=True)


def test_ctrl_c_leaves_what_was_written(tinytorch, trained):
    with start(tinytorch.folder, "--max-new-tokens", "1000000") as process:
        begun = process.stdout.read(5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert process.returncode == 130
    assert len(begun) == 5
    assert out.endswith("\n")
    assert re.fullmatch(r"\d+ tokens in [\d.]+ s, [\d,]+ tokens/s; interrupted\n", err)


def test_a_pipe_that_closes_is_no_traceback(tinytorch, trained):
    with start(tinytorch.folder, "--max-new-tokens", "1000000") as process:
        process.stdout.read(5)
        process.stdout.close()
        assert process.stderr.read() == ""


def test_a_story_of_llama2c(tinytorch, stories):
    command = ["generate", stories / "stories260K.bin", "--tokenizer", stories / "tok512.bin", "--temperature", "0"]
    done = tinytorch(*command, "--max-new-tokens", 60)
    assert done.status == 0
    assert done.out.startswith("Once upon a time, there was a little girl named Lily. She loved to play outside")
    whole = json.loads(tinytorch(*command, "--max-new-tokens", 60, "--prompt", "Once upon", "--json").out)
    assert ("Once upon" + whole["text"])[:60] == done.out[:60]


def test_a_model_without_a_vocabulary_asks_for_one(tinytorch, stories):
    done = tinytorch("generate", next(stories.glob("*260K.bin")))
    assert done.status == 1
    assert done.err.endswith("has no vocabulary of its own: name it with --tokenizer, such as tok512.bin\n")


def test_a_vocabulary_of_another_model_is_refused(tinytorch, stories):
    done = tinytorch("generate", stories / "stories260K.bin", "--tokenizer", stories / "stories260K.bin")
    assert (done.status, done.out, done.err.count("\n")) == (1, "", 1)
    assert "stories260K.bin is damaged or of another kind" in done.err
