"""Byte pairs: whatever goes in comes out again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinytorch.core.tokenization import BPETokenizer
from tinytorch.core.tokenization import bytepair as page
from tinytorch.core.tokenization.bytepair import WORD

TEXT = "the cat sat on the mat, and the other cat didn't; über 1234 тексты тексты\n\n  naïve 日本 日本 🙂🙂 " * 3
TOKENIZER = BPETokenizer.train(TEXT, vocab_size=400, special_tokens=["<|end|>", "<|end|>more"])
texts = st.text() | st.text("the cat,'s\n  <|end|>日ü1²Ⅷ_").filter(bool)


@settings(deadline=None)
@given(texts)
def test_text_comes_back_and_what_is_not_allowed_is_no_special_token(text):
    ids = TOKENIZER.encode(text)
    assert TOKENIZER.decode(ids) == text
    assert not set(ids) & set(TOKENIZER.special_tokens.values())


@settings(deadline=None)
@given(st.binary() | texts.map(str.encode))
def test_bytes_come_back_whatever_they_are(data):
    assert TOKENIZER.decode_bytes(TOKENIZER.encode_bytes(data)) == data


@settings(deadline=None)
@given(texts)
def test_the_bytes_of_a_text_have_the_ids_of_the_text(text):
    assert TOKENIZER.encode_bytes(text.encode()) == TOKENIZER.encode(text)


@given(texts)
def test_the_words_of_a_text_are_the_whole_text(text):
    assert "".join(WORD.findall(text)) == text


def test_words_are_split_as_gpt2_does():
    words = ["It", "'s", " 42", "nd", " day", "!?", "  ", " isn", "'t", " it", " _", "ok", "_", "\n"]
    assert WORD.findall("".join(words)) == words


def test_merges_do_not_cross_the_borders_of_words():
    tokenizer = BPETokenizer.train("to be to be to be, to be", vocab_size=300)
    tokens = [tokenizer.decode([id]) for id in range(256, tokenizer.vocab_size)]
    assert sorted(tokens) == [" b", " be", " to", "to"]


def test_training_is_the_same_each_time_and_encodes_its_text_shorter():
    again = BPETokenizer.train(TEXT, vocab_size=400, special_tokens=["<|end|>", "<|end|>more"])
    assert again.merges == TOKENIZER.merges
    assert len(TOKENIZER.encode(TEXT)) < len(TEXT.encode()) / 3


def test_the_vocabulary_has_bytes_merges_and_special_tokens():
    tokenizer = BPETokenizer.train("aaaa bbbb", vocab_size=259, special_tokens=["<|end|>"], min_frequency=1)
    assert (tokenizer.vocab_size, len(tokenizer.merges), tokenizer.special_tokens) == (259, 2, {"<|end|>": 258})


def test_special_tokens_are_no_part_of_the_text_that_is_learned_from():
    tokenizer = BPETokenizer.train("ab<|end|>" * 9, vocab_size=300, special_tokens=["<|end|>"])
    assert tokenizer.merges == [(97, 98)]


def test_half_a_character_is_decoded_as_the_replacement_character():
    assert TOKENIZER.decode([0xC3]) == "\ufffd"
    assert TOKENIZER.decode_bytes([0xC3]) == b"\xc3"


def test_special_tokens_are_bytes_by_their_names():
    assert TOKENIZER.decode_bytes([97, TOKENIZER.special_tokens["<|end|>"]]) == b"a<|end|>"


def test_no_more_than_so_many_words_are_remembered(monkeypatch):
    monkeypatch.setattr(page, "REMEMBERED", 3)
    tokenizer = BPETokenizer(TOKENIZER.merges)
    assert tokenizer.encode("a b c d e f g") == TOKENIZER.encode("a b c d e f g")
    assert len(tokenizer._known) <= 3


def test_merges_that_would_fill_the_memory_are_refused():
    with pytest.raises(ValueError, match="no more than 67108864 bytes together"):
        BPETokenizer([(97, 97), *((id, id) for id in range(256, 300))])


def test_a_real_text_comes_back(real_data):
    text = real_data("text/tinyshakespeare.txt").read_text()
    tokenizer = BPETokenizer.train(text, vocab_size=512)
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert tokenizer.vocab_size == 512
    assert len(ids) < len(text) / 1.9
