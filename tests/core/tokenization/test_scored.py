"""Scored tokens, as llama2.c's models have them."""

import json
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinytorch.core.tokenization import ScoredTokenizer, TokenizerError

PIECES = [" ", "a", "b", "c", "é", "<", "s", ">", "ab", " a", "bc", "abc", "<s", "<s>", " ab", "cc", "aa"]
TOKENS = ["<unk>", "\n<s>\n", "\n</s>\n", *(f"<0x{byte:02X}>" for byte in range(256)), *PIECES]
SCORES = [0.0] * 259 + [-float(i // 2) for i in range(len(PIECES))]
TOKENIZER = ScoredTokenizer(TOKENS, SCORES)


def packed(tokens=TOKENS, scores=SCORES, longest=None):
    """Write a file as llama2.c's tokenizer.py does."""
    data = [token.encode() for token in tokens]
    records = [struct.pack("<fi", score, len(each)) + each for score, each in zip(scores, data, strict=True)]
    return struct.pack("<I", max(map(len, data)) if longest is None else longest) + b"".join(records)


def naive(text):
    """Encode as run.c does: look through all neighbours for the best score, again and again."""
    ids = []
    for character in " " + text if text else "":
        ids += [259 + PIECES.index(character)] if character in PIECES else [3 + byte for byte in character.encode()]
    while True:
        best, place = -1e10, None
        for i in range(len(ids) - 1):
            piece = TOKENS[ids[i]] + TOKENS[ids[i + 1]]
            if min(ids[i : i + 2]) >= 259 and piece in PIECES and SCORES[259 + PIECES.index(piece)] > best:
                best, place = SCORES[259 + PIECES.index(piece)], (i, 259 + PIECES.index(piece))
        if place is None:
            return ids
        ids[place[0] : place[0] + 2] = [place[1]]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "tok.bin"
    path.write_bytes(packed())
    return path


@settings(deadline=None)
@given(st.text("abcé<s> x日"))
def test_ids_are_those_of_searching_anew_for_the_best_score(text):
    assert TOKENIZER.encode(text) == naive(text)


@settings(deadline=None)
@given(st.text())
def test_text_comes_back(text):
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text


def test_a_space_is_put_in_front_and_taken_away_again():
    assert TOKENIZER.encode("ab") == [259 + PIECES.index(" ab")]
    assert TOKENIZER.decode([259 + PIECES.index(" ab")]) == "ab"
    assert TOKENIZER.decode([1, 259 + PIECES.index(" ab")]) == "<s>ab"
    assert TOKENIZER.decode(TOKENIZER.encode("  ab")) == "  ab"


def test_an_unknown_character_is_its_bytes():
    assert TOKENIZER.encode("日") == [259, *(3 + byte for byte in "日".encode())]
    assert TOKENIZER.decode([3 + 0x41, 3 + 0xFF]) == "A\ufffd"


def test_no_text_joins_to_a_special_token_or_a_byte():
    ids = TOKENIZER.encode("<s> <0x41> \n<s>\n <unk>")
    assert not set(ids) & {0, 1, 2, 3 + 0x41}
    assert TOKENIZER.encode("<s>a", allowed_special=["<s>"]) == [1, 259 + PIECES.index(" a")]


def test_a_file_is_read(file):
    tokenizer = ScoredTokenizer.from_file(file, vocab_size=len(TOKENS))
    assert tokenizer.special_tokens == {"<unk>": 0, "<s>": 1, "</s>": 2}
    assert tokenizer.encode("abc ab") == TOKENIZER.encode("abc ab")


@pytest.mark.parametrize("length", [0, 3, 4, 5, 11, 12, 13, 2000, len(packed()) - 1])
def test_a_truncated_file_is_one_sentence(file, length):
    file.write_bytes(packed()[:length])
    refused(file)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\7\0\0\0" + struct.pack("<fi", 0.0, -5) + b"<unk>", "-5 bytes"),
        (b"\7\0\0\0" + struct.pack("<fi", 0.0, 2**31 - 1) + b"<unk>", "2147483647 bytes"),
        (b"\xff\xff\xff\xff" + struct.pack("<fi", 0.0, 2**31 - 1) + b"<unk>", "2147483647 bytes"),
        (packed(longest=4), "the longest has 4"),
        (packed([*TOKENS, "a"], [*SCORES, float("nan")]), "finite"),
        (packed(TOKENS[:258], SCORES[:258]), "256 bytes"),
        (packed(["x", *TOKENS], [0.0, *SCORES]), "256 bytes"),
        (packed(["<s>", "<s>", *TOKENS[2:]]), "distinct"),
        (packed().replace("é".encode(), b"\xff\xff"), "utf-8"),
    ],
)
def test_an_absurd_file_is_one_sentence(file, content, reason):
    file.write_bytes(content)
    assert reason in refused(file)


@settings(deadline=None)
@given(st.binary(max_size=40))
def test_no_bytes_do_anything_but_one_sentence(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "tok.bin"
    path.write_bytes(content)
    refused(path)


def refused(path):
    with pytest.raises(TokenizerError) as raised:
        ScoredTokenizer.from_file(path)
    message = str(raised.value)
    assert message.startswith(f"from_file: {path} is damaged or of another kind: ")
    assert "\n" not in message
    return message


def test_another_number_of_tokens_than_expected_is_one_sentence(file):
    with pytest.raises(TokenizerError, match=f"holds {len(TOKENS)} tokens, expected a vocab_size of 512"):
        ScoredTokenizer.from_file(file, 512)


def test_the_story_of_the_reference_implementation_is_read_and_written(real_data):
    tokenizer = ScoredTokenizer.from_file(real_data("stories260k/tok512.bin"), vocab_size=512)
    ids = json.loads(real_data("stories260k/greedy_ids.json").read_text())
    story = tokenizer.decode(ids)
    assert len(ids) == 199
    assert story.startswith(
        "Once upon a time, there was a little girl named Lily. She loved to play outside in the park."
    )
    assert tokenizer.decode([1, *ids], skip_special_tokens=True) == story
    assert tokenizer.encode(story) == ids


def test_a_real_text_comes_back_with_a_real_vocabulary(real_data):
    tokenizer = ScoredTokenizer.from_file(real_data("stories260k/tok512.bin"))
    text = real_data("text/tinyshakespeare.txt").read_text()[:20000] + "日本 é\n"
    assert tokenizer.decode(tokenizer.encode(text)) == text
