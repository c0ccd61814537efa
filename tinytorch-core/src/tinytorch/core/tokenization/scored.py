"""ScoredTokenizer: SentencePiece's byte-pair vocabulary, as llama2.c's models have it.

There is no list of merges but a score for each token: of all neighbours whose texts together are a token, those of the
best score are joined first, over the whole text (Kudo and Richardson 2018, "SentencePiece"). A space is a character as
any other, and one is put before the text, so that its first word is the same token as in the middle. What is left out:
training, and the other algorithms of SentencePiece.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from typing import Any

from tinytorch.core.tensor.numbers import real, whole
from tinytorch.core.tokenization import files
from tinytorch.core.tokenization.merging import Pair, merge
from tinytorch.core.tokenization.tokenizer import Tokenizer, check_text, numbered
from tinytorch.serialization import PathLike

SPECIAL = 3  # <unk>, <s>, </s>
FIRST = SPECIAL + 256  # then a token for each byte, for characters that have none: <0x00> to <0xFF>; then the texts
SPACE = " "


class ScoredTokenizer(Tokenizer):
    """Tokens by id and their scores: three special ones, 256 bytes, then pieces of text.

    Every stretch of text between special tokens gets a space in front when it is encoded, and loses one when it is
    decoded. A model of this kind expects `special_tokens["<s>"]`, id 1, before a text. Only the pieces of text are
    found in a text: one that says "<s>" or "<0x41>" is encoded as these characters.
    """

    def __init__(self, tokens: Iterable[str], scores: Iterable[float]) -> None:
        self._tokens, self._scores = _checked_tokens(tokens), _checked_scores(scores)
        if len(self._tokens) != len(self._scores):
            raise ValueError(
                f"ScoredTokenizer: expected a score for each token, got {len(self._scores)} for {len(self._tokens)}"
            )
        names = numbered("ScoredTokenizer", [token.strip() for token in self._tokens[:SPECIAL]], 0)
        super().__init__(len(self._tokens), names)
        self._ids = {token: id for id, token in reversed([*enumerate(self._tokens)][FIRST:])}  # the first of equal ones

    @classmethod
    def from_file(cls, path: PathLike, vocab_size: int | None = None) -> ScoredTokenizer:
        """Read llama2.c's `tokenizer.bin`: the longest token's length, then score, length and bytes of each.

        With `vocab_size`, which the format does not hold, another number of tokens is an error.
        """
        content = files.read("from_file", path)
        try:
            tokenizer = cls(*_parsed(content))
        except ValueError as error:
            raise files.damaged(path, error, "from_file") from error
        if vocab_size is not None and whole("from_file", "vocab_size", vocab_size) != tokenizer.vocab_size:
            raise files.TokenizerError(
                f"from_file: {path} holds {tokenizer.vocab_size} tokens, expected a vocab_size of {vocab_size}"
            )
        return tokenizer

    def _encode(self, text: str, position: int) -> list[int]:
        if not text:
            return []
        ids: list[int] = []
        for character in SPACE + text:
            id = self._ids.get(character)
            ids += [SPECIAL + byte for byte in character.encode()] if id is None else [id]
        return merge(ids, self._join)

    def _join(self, pair: Pair) -> tuple[float, int] | None:
        left, right = pair
        if left < FIRST or right < FIRST:  # a byte is no text
            return None
        id = self._ids.get(self._tokens[left] + self._tokens[right])
        return None if id is None else (-self._scores[id], id)

    def _decode(self, ids: list[int]) -> str:
        parts = [bytes([id - SPECIAL]) if id < FIRST else self._tokens[id].encode() for id in ids]
        return b"".join(parts).decode(errors="replace").removeprefix(SPACE)

    def _arguments(self) -> dict[str, Any]:
        return {"tokens": self._tokens, "scores": self._scores}


def _parsed(content: bytes) -> tuple[list[str], list[float]]:
    """Read tokens and scores from a file's bytes, all little-endian; ValueError for what is wrong with them."""
    tokens: list[str] = []
    scores: list[float] = []
    try:
        (longest,) = struct.unpack_from("<I", content)
        position = 4
        while position < len(content):
            score, length = struct.unpack_from("<fi", content, position)
            position += 8
            if not 0 < length <= min(longest, len(content) - position):
                raise ValueError(
                    f"token {len(tokens)} has {length} bytes, where the longest has {longest} and "
                    f"{len(content) - position} are left"
                )
            tokens.append(content[position : position + length].decode())
            scores.append(score)
            position += length
    except struct.error as error:
        raise ValueError(f"it ends within token {len(tokens)}") from error
    return tokens, scores


def _checked_tokens(tokens: Iterable[str]) -> list[str]:
    if isinstance(tokens, str) or not isinstance(tokens, Iterable):
        raise TypeError(f"ScoredTokenizer: expected tokens as a list of texts, got {type(tokens).__name__}")
    tokens = list(tokens)
    for token in tokens:
        check_text("ScoredTokenizer", token, "tokens as texts")
    if tokens[SPECIAL:FIRST] != [f"<0x{byte:02X}>" for byte in range(256)]:
        raise ValueError(
            f"ScoredTokenizer: expected 3 special tokens, then the 256 bytes <0x00> to <0xFF>, in {len(tokens)} tokens"
        )
    return tokens


def _checked_scores(scores: Iterable[float]) -> list[float]:
    if not isinstance(scores, Iterable):
        raise TypeError(f"ScoredTokenizer: expected scores as a list of numbers, got {type(scores).__name__}")
    numbers = [real("ScoredTokenizer", "a score", score) for score in scores]
    if not all(map(math.isfinite, numbers)):
        raise ValueError("ScoredTokenizer: expected finite scores, got one that is infinite or no number")
    return numbers
