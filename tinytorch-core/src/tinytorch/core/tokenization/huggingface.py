"""HuggingFaceTokenizer: the tokenizers that published models come with, read from their `tokenizer.json`.

The package `tokenizers` does the work, an extra: pip install 'tinytorch-core[tokenizers]'. What is added is this
chapter's protocol, above all that a special token's name in a text is plain text unless it is allowed. Text between
special tokens is encoded by itself, and nothing, such as a model's [CLS], is put around it. What becomes of a character
that the vocabulary has not, its unknown token or nothing, is up to the file.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Self

from tinytorch.core.tokenization import files
from tinytorch.core.tokenization.tokenizer import Tokenizer
from tinytorch.serialization import PathLike


class HuggingFaceTokenizer(Tokenizer):
    """A `tokenizers.Tokenizer`, made from the text of its JSON."""

    def __init__(self, json: str) -> None:
        if not isinstance(json, str):
            raise TypeError(f"HuggingFaceTokenizer: expected the text of a tokenizer.json, got {type(json).__name__}")
        self._json, self._inner = json, _parsed(json)
        self._inner.encode_special_tokens = True  # as text: the base finds those that are allowed
        self._inner.no_truncation()  # `encode` gives all ids of a text, and no more
        self._inner.no_padding()
        added = self._inner.get_added_tokens_decoder()
        ids = self._inner.get_vocab(with_added_tokens=True).values()
        super().__init__(max(ids, default=-1) + 1, {token.content: id for id, token in added.items() if token.special})

    @classmethod
    def from_file(cls, path: PathLike) -> Self:
        """Read a `tokenizer.json`; `save` and `load` keep it whole in a file of this chapter's kind."""
        try:
            return cls(files.read("from_file", path).decode())
        except ValueError as error:
            raise files.damaged(path, error, "from_file") from error

    def _encode(self, text: str, position: int) -> list[int]:
        return list(_asked("encode", self._inner.encode, text, add_special_tokens=False).ids)

    def _decode(self, ids: list[int]) -> str:
        return str(_asked("decode", self._inner.decode, ids))

    def _arguments(self) -> dict[str, Any]:
        return {"json": self._json}


def _parsed(json: str) -> Any:
    return _asked("HuggingFaceTokenizer: expected the text of a tokenizer.json", _package().Tokenizer.from_str, json)


def _asked(what: str, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """What a function of the package answers; whatever it raises is a ValueError, the cause kept."""
    try:
        return function(*arguments, **options)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # nothing more precise: a panic of Rust, which damaged files cause, is no Exception
        raise ValueError(f"{what}: {' '.join(str(error).split())}") from error


def _package() -> Any:
    try:
        return importlib.import_module("tokenizers")
    except ImportError as error:
        raise files.TokenizerError(
            "HuggingFaceTokenizer: the package tokenizers is missing: pip install 'tinytorch-core[tokenizers]'"
        ) from error
