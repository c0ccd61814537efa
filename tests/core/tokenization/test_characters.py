"""Every character is a token."""

import pytest

from tinytorch.core.tokenization import CharTokenizer


def test_characters_are_numbered_by_code_point_and_special_tokens_after_them():
    tokenizer = CharTokenizer.train("banana", special_tokens=["<|end|>"])
    assert tokenizer.encode("abn") == [0, 1, 2]
    assert tokenizer.special_tokens == {"<|end|>": 3}
    assert tokenizer.vocab_size == 4


def test_an_unknown_character_is_named_with_its_position_in_the_whole_text():
    tokenizer = CharTokenizer.train("ab", special_tokens=["<|end|>"])
    with pytest.raises(ValueError) as raised:
        tokenizer.encode("ab<|end|>aéb", allowed_special="all")
    assert "'é' at position 10 " in str(raised.value)
    assert raised.value.__notes__ == ["make a tokenizer with unknown='<unk>' to allow any"]


def test_an_unknown_character_becomes_the_unknown_token_if_there_is_one():
    tokenizer = CharTokenizer.train("ab", unknown="<unk>")
    assert tokenizer.encode("aéb") == [0, tokenizer.special_tokens["<unk>"], 1]
    assert tokenizer.decode([0, 2, 1]) == "a<unk>b"
    assert tokenizer.decode([0, 2, 1], skip_special_tokens=True) == "ab"


def test_the_unknown_token_may_be_one_of_the_special_tokens():
    tokenizer = CharTokenizer.train("ab", special_tokens=["<unk>", "<|end|>"], unknown="<unk>")
    assert tokenizer.special_tokens == {"<unk>": 2, "<|end|>": 3}
    assert tokenizer.encode("c") == [2]
