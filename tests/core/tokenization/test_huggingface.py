"""Tokenizers of the package `tokenizers`, which is also the judge of our own."""

import json
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinytorch.core.tokenization import BPETokenizer, HuggingFaceTokenizer, TokenizerError

TEXT = "the cat sat on the mat, and the other cat didn't; über 1234 тексты тексты\n\n  naïve 日本 日本 🙂🙂 " * 3
OURS = BPETokenizer.train(TEXT, vocab_size=380)


@pytest.fixture(scope="module")
def package():
    return pytest.importorskip("tokenizers", reason="the extra 'tokenizers' is not installed")


@pytest.fixture(scope="module")
def path(package, tmp_path_factory):
    """Our merges, written by the package in its own format, with a special token after them."""
    names = byte_names()
    tokens = ["".join(names[byte] for byte in OURS.decode_bytes([id])) for id in range(OURS.vocab_size)]
    merges = [(tokens[left], tokens[right]) for left, right in OURS.merges]
    tokenizer = package.Tokenizer(package.models.BPE({token: id for id, token in enumerate(tokens)}, merges))
    tokenizer.pre_tokenizer = package.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = package.decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|end|>"])
    path = tmp_path_factory.mktemp("huggingface") / "tokenizer.json"
    tokenizer.save(str(path))
    return path


def byte_names():
    """Return the characters by which GPT-2's files name bytes (openai/gpt-2, encoder.py)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in plain]
    return {byte: chr(byte) for byte in plain} | {byte: chr(256 + i) for i, byte in enumerate(rest)}


def test_a_file_is_read_with_its_special_tokens(path):
    tokenizer = HuggingFaceTokenizer.from_file(path)
    assert tokenizer.vocab_size == OURS.vocab_size + 1
    assert tokenizer.special_tokens == {"<|end|>": OURS.vocab_size}
    assert tokenizer.decode(tokenizer.encode(TEXT)) == TEXT


# Numbers that are no digits are letters to us; the separators 0x1c to 0x1f are white space to Python alone.
characters = st.characters(exclude_categories=["Cs", "Nl", "No"], exclude_characters="\x1c\x1d\x1e\x1f")


def test_our_byte_pairs_are_those_of_the_package(path):
    theirs = HuggingFaceTokenizer.from_file(path)

    @settings(deadline=None, max_examples=300)
    @given(st.text(characters | st.sampled_from("the cat's  \n'_12日ü")))
    def agree(text):
        assert OURS.encode(text) == theirs.encode(text)

    agree()
    assert OURS.encode(TEXT) == theirs.encode(TEXT)


def test_our_training_is_that_of_the_package(package, rng):
    # Without spaces, whose names sort elsewhere in theirs, so that equally frequent pairs come in the same order.
    words = ["".join(rng.choice([*"abcdef"], rng.integers(1, 9))) for _ in range(300)]
    text = "-".join(words)
    theirs = package.Tokenizer(package.models.BPE())
    theirs.pre_tokenizer = package.pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = package.pre_tokenizers.ByteLevel.alphabet()
    theirs.train_from_iterator(
        [text],
        package.trainers.BpeTrainer(vocab_size=356, min_frequency=2, initial_alphabet=alphabet, show_progress=False),
    )
    ours = BPETokenizer.train(text, vocab_size=356)
    merges = [[ours.decode([left]), ours.decode([right])] for left, right in ours.merges]
    assert merges == json.loads(theirs.to_str())["model"]["merges"]
    assert len(merges) == 100


def test_special_tokens_are_text_unless_they_are_allowed(path):
    tokenizer = HuggingFaceTokenizer.from_file(path)
    end = tokenizer.special_tokens["<|end|>"]
    assert end not in tokenizer.encode("a<|end|>")
    assert tokenizer.encode("a<|end|>b", allowed_special="all") == [97, end, 98]
    assert tokenizer.decode([97, end, 98]) == "a<|end|>b"
    assert tokenizer.decode([97, end, 98], skip_special_tokens=True) == "ab"


def test_it_is_saved_and_loaded_as_the_others(path, tmp_path):
    tokenizer = HuggingFaceTokenizer.from_file(path)
    tokenizer.save(tmp_path / "saved.json")
    again = HuggingFaceTokenizer.load(tmp_path / "saved.json")
    assert again.encode(TEXT) == tokenizer.encode(TEXT)
    assert again.special_tokens == tokenizer.special_tokens


def test_truncation_and_padding_of_the_file_do_not_hold(package, path, tmp_path):
    inner = package.Tokenizer.from_file(str(path))
    inner.enable_truncation(3)
    inner.enable_padding(length=5)
    inner.save(str(tmp_path / "short.json"))
    tokenizer = HuggingFaceTokenizer.from_file(tmp_path / "short.json")
    assert [len(tokenizer.encode("!" * length)) for length in (1, 4, 9)] == [1, 4, 9]


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"model": 3}'])
@pytest.mark.usefixtures("package")
def test_a_damaged_file_is_one_sentence(tmp_path, content):
    damaged = tmp_path / "tokenizer.json"
    damaged.write_bytes(content)
    with pytest.raises(TokenizerError) as raised:
        HuggingFaceTokenizer.from_file(damaged)
    assert str(raised.value).startswith(f"from_file: {damaged} is damaged or of another kind: ")
    assert "\n" not in str(raised.value)


MODEL = {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}
NO_UNKNOWN = {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "<unk>"}
STRIP = {"type": "Strip", "content": "a", "start": 9, "stop": 9}


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"model": {**MODEL, "continuing_subword_prefix": "####"}}, "HuggingFaceTokenizer: expected the text of a "),
        ({"model": NO_UNKNOWN}, "encode: "),
        ({"model": MODEL, "decoder": STRIP}, "decode: "),
    ],
    ids=["panic when read", "no unknown token", "panic when decoded"],
)
def test_whatever_goes_wrong_in_the_package_is_a_value_error(package, settings, told):
    with pytest.raises(ValueError, match=told):  # noqa: PT012  which call fails depends on the file
        tokenizer = HuggingFaceTokenizer(json.dumps(settings))
        tokenizer.decode([*tokenizer.encode("b"), 0])


def test_without_the_package_it_is_said_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(TokenizerError) as raised:
        HuggingFaceTokenizer.from_file(tmp_path / "tokenizer.json")
    assert "pip install 'tinytorch-core[tokenizers]'" in str(raised.value)
