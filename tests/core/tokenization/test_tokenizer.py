"""What holds for every tokenizer: special tokens, ids, saving and loading."""

import json

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.core.tokenization import BPETokenizer, CharTokenizer, ScoredTokenizer, TokenizerError

TEXT = "once upon a time, <|end|> there was a time"
SPECIAL = ["<|end|>", "<|end|>s"]
SCORED = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), " ", "a", " a"]
TOKENIZERS = {
    "CharTokenizer": CharTokenizer.train(TEXT + "<|>", SPECIAL, unknown="<unk>"),
    "BPETokenizer": BPETokenizer.train(TEXT, 270, SPECIAL),
    "ScoredTokenizer": ScoredTokenizer(SCORED, [0.0] * len(SCORED)),
}


@pytest.fixture(params=TOKENIZERS)
def tokenizer(request):
    return TOKENIZERS[request.param]


def test_text_comes_back(tokenizer):
    ids = tokenizer.encode(TEXT)
    assert tokenizer.decode(ids) == TEXT
    assert all(type(id) is int and 0 <= id < tokenizer.vocab_size for id in ids)
    assert tokenizer.encode("") == []
    assert tokenizer.decode([]) == ""


def test_a_special_token_in_a_text_is_text_unless_it_is_allowed(tokenizer):
    name, id = next(iter(tokenizer.special_tokens.items()))
    text = f"a{name}a"
    assert id not in tokenizer.encode(text)
    assert tokenizer.encode(text, allowed_special=[name]).count(id) == 1
    assert tokenizer.encode(text, allowed_special="all").count(id) == 1
    for allowed in ([], [name], "all"):
        assert tokenizer.decode(tokenizer.encode(text, allowed)) == text


def test_special_tokens_can_be_left_out(tokenizer):
    name, id = next(iter(tokenizer.special_tokens.items()))
    assert tokenizer.decode([id, id], skip_special_tokens=True) == ""
    assert tokenizer.decode([id, id]) == name * 2


def test_only_the_allowed_special_tokens_are_recognized_and_the_longest_first():
    tokenizer = TOKENIZERS["BPETokenizer"]
    short, long = tokenizer.special_tokens.values()
    assert tokenizer.encode("<|end|>s", allowed_special="all") == [long]
    assert tokenizer.encode("<|end|>s", allowed_special={"<|end|>"}) == [short, ord("s")]


def test_a_special_token_is_a_name_and_no_pattern():
    tokenizer = BPETokenizer([], special_tokens=["a.c", "(x"])
    assert tokenizer.encode("abc(x", allowed_special="all") == [97, 98, 99, 257]


@pytest.mark.parametrize("make", [tuple, np.array, tt.tensor, iter])
def test_ids_may_come_in_any_row_of_whole_numbers(tokenizer, make):
    assert tokenizer.decode(make(tokenizer.encode("a time"))) == "a time"


@pytest.mark.parametrize("text", ["a\ud800", "a\udcff<|end|>"])
def test_half_a_surrogate_pair_is_one_sentence(tokenizer, text):
    with pytest.raises(ValueError) as raised:
        tokenizer.encode(text)
    assert f"{text[1]!r} at position 1 is half of a surrogate pair" in str(raised.value)


def test_a_saved_tokenizer_is_loaded_the_same(tokenizer, tmp_path):
    path = tmp_path / "tokenizer.json"
    tokenizer.save(path)
    again = type(tokenizer).load(path)
    assert again.encode(TEXT, "all") == tokenizer.encode(TEXT, "all")
    assert (again.vocab_size, again.special_tokens) == (tokenizer.vocab_size, tokenizer.special_tokens)
    again.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()


def test_a_failed_save_leaves_the_earlier_file(tokenizer, tmp_path, monkeypatch):
    path = tmp_path / "tokenizer.json"
    tokenizer.save(path)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(TokenizerError, match="No space left on device; what was there before is untouched"):
        CharTokenizer("xyz").save(path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def refused(kind, path):
    with pytest.raises(TokenizerError) as raised:
        kind.load(path)
    message = str(raised.value)
    assert message.startswith("load: ")
    assert str(path) in message
    assert "\n" not in message
    assert len(message) < 400 + len(str(path))
    return message


def test_a_truncated_file_is_one_sentence(tokenizer, tmp_path):
    path = tmp_path / "tokenizer.json"
    tokenizer.save(path)
    whole = path.read_bytes().rstrip()
    for length in range(0, len(whole), max(1, len(whole) // 50)):
        path.write_bytes(whole[:length])
        refused(type(tokenizer), path)


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"null", b"[]", b"{}", b"3", b"[" * 100_000, b'{"format": "tinytorch"}', b"9" * 9999]
)
def test_what_is_no_tokenizer_is_one_sentence(tokenizer, tmp_path, content):
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content)
    refused(type(tokenizer), path)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("CharTokenizer", {"characters": "aa"}),
        ("CharTokenizer", {"characters": ["a"]}),
        ("CharTokenizer", {"special_tokens": ["", "a"]}),
        ("CharTokenizer", {"special_tokens": ["a", "a"]}),
        ("CharTokenizer", {"special_tokens": "ab"}),
        ("CharTokenizer", {"special_tokens": [["a"]]}),
        ("CharTokenizer", {"unknown": 3}),
        ("CharTokenizer", {"more": 3}),
        ("BPETokenizer", {"merges": 3}),
        ("BPETokenizer", {"merges": [3]}),
        ("BPETokenizer", {"merges": [[1, 2, 3]]}),
        ("BPETokenizer", {"merges": [[1, 2.5]]}),
        ("BPETokenizer", {"merges": [[1, -1]]}),
        ("BPETokenizer", {"merges": [[1, 256]]}),
        ("BPETokenizer", {"merges": [[1, 2], [1, 2]]}),
        ("BPETokenizer", {"merges": ["ab"]}),
        ("BPETokenizer", {"merges": [[97, 97], *([id, id] for id in range(256, 400))]}),
        ("ScoredTokenizer", {"tokens": [3] * 300}),
        ("ScoredTokenizer", {"tokens": []}),
        ("ScoredTokenizer", {"scores": [0.0]}),
        ("ScoredTokenizer", {"scores": ["a"] * 262}),
        ("ScoredTokenizer", {"scores": [float("nan")] * 262}),
        ("ScoredTokenizer", {"scores": [10**400] * 262}),
    ],
)
def test_a_file_with_wrong_values_is_one_sentence(tmp_path, kind, changes):
    path = tmp_path / "tokenizer.json"
    TOKENIZERS[kind].save(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    assert "is damaged or of another kind: " in refused(type(TOKENIZERS[kind]), path)


def test_a_file_of_a_later_version_is_one_sentence(tokenizer, tmp_path):
    path = tmp_path / "tokenizer.json"
    tokenizer.save(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 2}))
    assert refused(type(tokenizer), path).endswith("has version 2, this tinytorch reads 1")


def test_a_file_of_another_kind_of_tokenizer_is_one_sentence(tmp_path):
    path = tmp_path / "tokenizer.json"
    TOKENIZERS["CharTokenizer"].save(path)
    assert "holds a 'CharTokenizer', not a 'BPETokenizer'" in refused(BPETokenizer, path)


def test_a_file_larger_than_any_tokenizer_is_not_read(tmp_path):
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate((1 << 26) + 1)  # a hole: nothing is written
    assert "which no tokenizer needs" in refused(CharTokenizer, path)
