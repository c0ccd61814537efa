import numpy as np
import pytest

from tinytorch.datasets import DatasetError, characters
from tinytorch.datasets.sentences import sentences


def test_targets_are_the_inputs_one_character_further():
    train, _ = characters(length=10)
    inputs, targets = (tensor.array.ravel() for tensor in train.tensors)
    assert np.array_equal(inputs[1:], targets[:-1])
    assert train.tokenizer.decode(inputs) == sentences()[: len(inputs)]


def test_the_end_is_held_out(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("ab" * 450 + "cd" * 50)
    train, held_out = characters(path, length=9)
    assert (train.tensors[0].shape, held_out.tensors[0].shape) == ((99, 9), (11, 9))
    assert set(train.tokenizer.decode(train.tensors[0].array.ravel())) == {"a", "b"}
    assert set(held_out.tokenizer.decode(held_out.tensors[0].array.ravel())) == {"c", "d"}


def test_the_sentences_are_the_same_everywhere():
    assert sentences(2) == (
        "the little bird sees a little river, because it wants to play.\n"
        "the little girl hides a little stone, because she is hungry.\n"
    )
    assert sentences().count("\n") == 1500


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\x89PNG" * 300, "no text in UTF-8: byte 0x89 at 0"),
        (b"text\0" * 300, "it has a zero byte"),
        (b"a" * 649, "expected a text of 650 characters or more for windows of 64, got 649"),
        (b"", "got 0"),
    ],
    ids=["binary", "zeros", "short", "empty"],
)
def test_what_is_no_text_is_refused(tmp_path, content, told):
    path = tmp_path / "text.txt"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=told):
        characters(path)


@pytest.mark.parametrize(
    ("length", "kind", "told"),
    [
        (0, ValueError, "characters: expected length of 1 or more, got 0"),
        (1.5, TypeError, "characters: expected length as a whole number, got 1.5"),
        (10**6, DatasetError, "the built-in sentences: expected a text of 10000010 characters or more"),
    ],
)
def test_a_length_that_cannot_be_is_told(length, kind, told):
    with pytest.raises(kind, match=told):
        characters(length=length)


def test_the_shortest_text_is_as_long_as_is_told(tmp_path):
    path = tmp_path / "text.txt"
    path.write_bytes(b"a" * 650)
    assert [len(part) for part in characters(path)] == [9, 1]


def test_a_mark_of_byte_order_is_no_character(tmp_path):
    path = tmp_path / "text.txt"
    path.write_bytes("\ufeff".encode() + "é\n".encode() * 400)
    assert characters(path)[0].tokenizer.vocab_size == 2
