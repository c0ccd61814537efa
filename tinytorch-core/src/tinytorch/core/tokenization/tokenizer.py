"""What every tokenizer is: text to whole numbers, `encode`, and back, `decode`.

Special tokens, such as the end of a text, are numbers that no text stands for. They have names, and a text from outside
may contain such a name, by chance or to deceive a model. So `encode` treats it as the plain text it is, unless its
caller allows the name; the number itself may be put into the list by hand: `tokenizer.special_tokens["<|end|>"]`.
"""

from __future__ import annotations

import operator
import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable
from itertools import groupby
from typing import Any, Literal, Self

from tinytorch.core.tokenization import files
from tinytorch.serialization import PathLike


class Tokenizer(ABC):
    """The base: subclasses define what happens between special tokens.

    `vocab_size` is the number of ids, `special_tokens` has the id of each special token by its name.
    """

    def __init__(self, vocab_size: int, special_tokens: dict[str, int]) -> None:
        self.vocab_size, self.special_tokens = vocab_size, special_tokens
        self._names = {id: name for name, id in special_tokens.items()}

    def encode(self, text: str, allowed_special: Collection[str] | Literal["all"] = ()) -> list[int]:
        """Text to ids; only the special tokens that are allowed by name, or `"all"`, are recognized in it."""
        check_text("encode", text)
        ids: list[int] = []
        position = 0
        for i, part in enumerate(split_at(text, self._allowed(allowed_special))):
            ids += [self.special_tokens[part]] if i % 2 else self._encode(part, position)
            position += len(part)
        return ids

    def decode(self, ids: Iterable[int], skip_special_tokens: bool = False) -> str:
        """Ids to text; special tokens as their names, or left out.

        Bytes that are no UTF-8, such as half a character at the end, become the replacement character U+FFFD.
        """
        texts: list[str] = []
        for special, group in groupby(self._checked("decode", ids), self._names.__contains__):
            if not special:
                texts.append(self._decode(list(group)))
            elif not skip_special_tokens:
                texts += [self._names[id] for id in group]
        return "".join(texts)

    def save(self, path: PathLike) -> None:
        """Write the tokenizer as JSON; what was there before stays until the new file is whole."""
        files.write(path, files.to_json(type(self).__name__, self._arguments()))

    @classmethod
    def load(cls, path: PathLike) -> Self:
        """Read what `save` of the same class wrote; raises TokenizerError for anything else."""
        arguments = files.from_json(cls.__name__, files.read("load", path), path)
        try:
            return cls(**arguments)
        except (TypeError, ValueError, OverflowError) as error:  # the constructors check what they are given
            raise files.damaged(path, error) from error

    @abstractmethod
    def _encode(self, text: str, position: int) -> list[int]:
        """Encode text between special tokens, which begins at this position of the whole."""

    @abstractmethod
    def _decode(self, ids: list[int]) -> str:
        """Decode ids between special tokens."""

    @abstractmethod
    def _arguments(self) -> dict[str, Any]:
        """Tell what the constructor needs to make this tokenizer again."""

    def _allowed(self, names: Collection[str] | Literal["all"]) -> Collection[str]:
        if names == "all":
            return self.special_tokens
        if isinstance(names, str) or not isinstance(names, Collection):
            raise TypeError(f"encode: expected allowed_special as a list of names or 'all', got {names!r}")
        for name in names:
            if not isinstance(name, str) or name not in self.special_tokens:
                known = ", ".join(map(repr, self.special_tokens)) or "none"
                raise ValueError(f"encode: there is no special token {name!r} (there are: {known})")
        return names

    def _checked(self, name: str, ids: Iterable[int]) -> list[int]:
        """Return the ids as plain whole numbers of this vocabulary."""
        if isinstance(ids, (str, bytes)) or not isinstance(ids, Iterable):
            raise TypeError(f"{name}: expected ids, got {type(ids).__name__}")
        numbers = []
        for id in ids:
            try:
                number = operator.index(id)
            except (TypeError, ValueError) as error:  # ValueError: a tensor of several
                raise TypeError(f"{name}: expected ids as whole numbers, got {type(id).__name__}") from error
            if not 0 <= number < self.vocab_size:
                raise IndexError(f"{name}: id {number} is outside the vocabulary's 0 ... {self.vocab_size - 1}")
            numbers.append(number)
        return numbers


def split_at(text: str, names: Collection[str]) -> list[str]:
    """Split a text at these names: plain text first, then a name and plain text by turns.

    >>> split_at("one<|end|>two", ["<|end|>"])
    ['one', '<|end|>', 'two']
    """
    if not names:
        return [text]
    longest_first = sorted(names, key=len, reverse=True)  # or '<a>' would hide '<a>b'
    return re.split(f"({'|'.join(map(re.escape, longest_first))})", text)


def check_text(name: str, text: Any, what: str = "a text") -> None:
    """Raise for what is no text, or one that UTF-8 cannot hold."""
    if not isinstance(text, str):
        raise TypeError(f"{name}: expected {what}, got {type(text).__name__}")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{name}: {text[error.start]!r} at position {error.start} is half of a surrogate pair, no character"
        ) from error


def numbered(name: str, special_tokens: Iterable[str], first: int) -> dict[str, int]:
    """Give special tokens their ids, from `first` on."""
    if isinstance(special_tokens, str) or not isinstance(special_tokens, Iterable):
        raise TypeError(f"{name}: expected special_tokens as a list of names, got {special_tokens!r}")
    ids: dict[str, int] = {}
    for token in special_tokens:
        check_text(name, token, "special_tokens as texts")
        if not token or token in ids:
            raise ValueError(f"{name}: expected special_tokens as distinct names, none empty, got {token!r}")
        ids[token] = first + len(ids)
    return ids
