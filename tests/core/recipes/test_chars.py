"""The recipe of a text: that it learns, resumes to the same bits, and writes from its checkpoint alone."""

import numpy as np
import pytest

import tinytorch
from tinytorch import recipes
from tinytorch.datasets.sentences import sentences
from tinytorch.models import GPT
from tinytorch.optim import AdamW
from tinytorch.recipes import chars
from tinytorch.serialization import CheckpointError


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(sentences(60))
    return path


def prepare(text, **options):
    return recipes.prepare(recipes.find("chars"), data=text, **options)


def test_a_text_is_learned_a_little(text):
    run = prepare(text, epochs=4)
    before = run.evaluate()["loss"]
    assert before == pytest.approx(np.log(26), abs=0.1)  # all characters are equally likely to it
    run.fit()
    assert run.evaluate()["loss"] < 2.7  # 2.29 to 2.37 over seeds 0-4


def test_the_rate_rises_and_falls_whatever_the_seed(text):
    optimizer = AdamW([tinytorch.nn.Parameter(tinytorch.ones(1))], lr=1.0)
    schedule = chars.warm_cosine(optimizer, 100)
    rates = []
    for _ in range(100):
        rates += schedule.get_last_lr()
        schedule.step()
    assert rates[:6] == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1.0])
    assert rates[5:] == sorted(rates[5:], reverse=True)
    assert schedule.get_last_lr() == pytest.approx([0.0])


@pytest.mark.parametrize("stop", [1, 2])
def test_a_resumed_run_gives_the_bits_of_an_unbroken_one(tmp_path, text, stop):
    unbroken, broken = (prepare(text, epochs=3, seed=7, checkpoint=tmp_path / name) for name in ("a.npz", "b.npz"))
    for run, epochs in ((unbroken, 3), (broken, stop)):
        tinytorch.manual_seed(7)
        run.trainer.fit(run.train_batches, epochs)
    tinytorch.manual_seed(99)
    recipes.resume(tmp_path / "b.npz", checkpoint=tmp_path / "b.npz").fit()
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_sample_changes_no_training(text):
    quiet, shown = (prepare(text, epochs=0) for _ in range(2))
    before = tinytorch.core.tensor.random.default_generator.get_state()
    assert len(shown.sample()) == chars.CONTEXT - 1
    assert tinytorch.core.tensor.random.default_generator.get_state() == before
    assert shown.trainer.model.training == quiet.trainer.model.training


def test_another_text_than_the_checkpoints_is_refused(tmp_path, text):
    path = tmp_path / "run.npz"
    prepare(text, epochs=0).trainer.save_checkpoint(path)
    text.write_text(text.read_text().replace("old", "odl"))
    with pytest.raises(CheckpointError, match=r"other data than .*text.txt: its text differs"):
        recipes.resume(path)


def test_a_checkpoint_alone_is_enough_to_write_from(tmp_path, text):
    run, path = prepare(text, epochs=0), tmp_path / "run.npz"
    run.trainer.save_checkpoint(path)
    text.unlink()
    model, tokenizer = chars.load(path)
    tokens = tinytorch.tensor([tokenizer.encode("the old king")])
    assert tinytorch.equal(model.eval()(tokens), run.trainer.model.eval()(tokens))


@pytest.mark.parametrize(
    "change",
    [
        {"characters": 3},
        {"characters": "abc"},
        {"characters": "aa"},
        {"model": None},
        {"model": {}},
        {"model": {"vocab_size": 26, **chars.SIZES, "layers": 10**9}},
        {"model": {"vocab_size": 26, **chars.SIZES, "width": 10**9}},
        {"model": {"vocab_size": 26, **chars.SIZES, "heads": 3}},
        {"model": {"vocab_size": 26, **chars.SIZES, "heads": 0}},
        {"model": {"vocab_size": 26, **chars.SIZES, "more": 1}},
    ],
    ids=str,
)
def test_a_text_model_that_cannot_be_is_refused(tmp_path, text, change):
    run, path = prepare(text, epochs=0), tmp_path / "run.npz"
    run.trainer.notes |= change
    run.trainer.save_checkpoint(path)
    with pytest.raises(CheckpointError, match="that cannot be"):
        chars.load(path)


def small():
    tinytorch.manual_seed(0)
    return GPT(vocab_size=7, max_length=8, layers=1, heads=2, width=8)


def test_a_text_goes_on_beyond_what_the_model_can_look_at():
    model = small()
    tokens = list(chars.continued(model, [1, 2], 30, seed=3, eos=None, temperature=0.0))
    assert len(tokens) == 30
    assert tokens[:6] == model.generate([1, 2], 6, temperature=0.0)[0].tolist()
    assert tokens[6:10] == model.generate(tokens[2:6], 4, temperature=0.0)[0].tolist()


def test_the_end_of_a_text_ends_it():
    (first,) = chars.continued(small(), [1, 2], 1, seed=0, eos=None, temperature=0.0)
    assert list(chars.continued(small(), [1, 2], 30, seed=0, eos=first, temperature=0.0)) == []


def test_a_prompt_may_be_longer_than_what_the_model_can_look_at():
    tokens = list(chars.continued(small(), [1, 2, 3] * 10, 3, seed=0, eos=None, temperature=0.0))
    assert tokens == small().generate([3, 1, 2, 3], 3, temperature=0.0)[0].tolist()
