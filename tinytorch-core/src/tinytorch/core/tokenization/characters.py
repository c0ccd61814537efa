"""CharTokenizer: every character is a token."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tinytorch.core.tokenization.tokenizer import Tokenizer, check_text, numbered


class CharTokenizer(Tokenizer):
    """The characters of `characters` in this order, then the special tokens.

    With `unknown`, the name of one more special token, any other character becomes that token; without, it is an error.

    >>> tokenizer = CharTokenizer.train("hello")
    >>> tokenizer.encode("hole")
    [1, 3, 2, 0]
    >>> tokenizer.decode([1, 0, 2, 2, 3])
    'hello'
    """

    def __init__(self, characters: str, special_tokens: Iterable[str] = (), unknown: str | None = None) -> None:
        check_text("CharTokenizer", characters)
        self._ids = {character: id for id, character in enumerate(characters)}
        if len(self._ids) < len(characters):
            raise ValueError("CharTokenizer: expected distinct characters; CharTokenizer.train finds those of a text")
        names = numbered("CharTokenizer", special_tokens, len(characters))
        if unknown is not None and unknown not in names:
            names |= numbered("CharTokenizer", [unknown], len(characters) + len(names))
        super().__init__(len(characters) + len(names), names)
        self._characters, self._unknown = characters, unknown

    @classmethod
    def train(cls, text: str, special_tokens: Iterable[str] = (), unknown: str | None = None) -> CharTokenizer:
        """Make a tokenizer for the characters of a text, in the order of their code points."""
        check_text("CharTokenizer.train", text)
        return cls("".join(sorted(set(text))), special_tokens, unknown)

    def _encode(self, text: str, position: int) -> list[int]:
        if self._unknown is not None:
            unknown = self.special_tokens[self._unknown]
            return [self._ids.get(character, unknown) for character in text]
        try:
            return [self._ids[character] for character in text]
        except KeyError as error:
            character = error.args[0]
            told = ValueError(
                f"encode: {character!r} at position {position + text.index(character)} is not among the tokenizer's "
                f"{len(self._ids)} characters"
            )
            told.add_note("make a tokenizer with unknown='<unk>' to allow any")
            raise told from error

    def _decode(self, ids: list[int]) -> str:
        return "".join([self._characters[id] for id in ids])

    def _arguments(self) -> dict[str, Any]:
        return {
            "characters": self._characters,
            "special_tokens": list(self.special_tokens),
            "unknown": self._unknown,
        }
