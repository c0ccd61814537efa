"""Text for a model that foretells the next character: windows of a fixed length, a tenth of them held out."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import numpy as np

from tinytorch.core.dataloader import TensorDataset
from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.numbers import whole
from tinytorch.core.tokenization import CharTokenizer
from tinytorch.datasets.idx import DatasetError
from tinytorch.datasets.sentences import sentences

HELD_OUT = 10  # one part of so many


class Windows(TensorDataset):
    """A text in windows, one after the other, and the same one character further: (n, length), (n, length).

    What is left at the end, too short for a window, is left out. `text` and `tokenizer` are those of the whole, of
    which this may be a part.
    """

    def __init__(self, part: str, length: int, text: str, tokenizer: CharTokenizer) -> None:
        ids = np.array(tokenizer.encode(part), np.int64)
        count = (len(ids) - 1) // length
        inputs, targets = (ids[start : start + count * length].reshape(count, length) for start in (0, 1))
        super().__init__(Tensor(inputs), Tensor(targets))
        self.text, self.tokenizer = text, tokenizer

    @property
    def checksum(self) -> int:
        """The CRC-32 of the whole text."""
        return zlib.crc32(self.text.encode())


def characters(path: str | os.PathLike[str] | None = None, length: int = 64) -> tuple[Windows, Windows]:
    """Read a UTF-8 text, or make one of simple sentences: windows to learn from, and those of its last tenth.

    The vocabulary is that of the whole text. Raises DatasetError for a file that is missing, no text, or too short.

    >>> train, held_out = characters()
    >>> train.tokenizer.decode(train.tensors[0][0].tolist())[:21]
    'the little bird sees '
    """
    whole("characters", "length", length, least=1)
    text = sentences() if path is None else _read(Path(path))
    start = len(text) - len(text) // HELD_OUT
    if len(text) - start <= length:
        source, least = path or "the built-in sentences", HELD_OUT * (length + 1)
        raise DatasetError(
            f"{source}: expected a text of {least} characters or more for windows of {length}, got {len(text)}"
        )
    tokenizer = CharTokenizer.train(text)
    return Windows(text[:start], length, text, tokenizer), Windows(text[start:], length, text, tokenizer)


def _read(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise DatasetError(f"there is no text {path}") from error
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{path} is no text in UTF-8: byte {error.object[error.start]:#04x} at {error.start}"
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
        raise DatasetError(f"cannot read {path}: {getattr(error, 'strerror', error)}") from error
    if "\0" in text:  # which UTF-8 allows and no text has
        raise DatasetError(f"{path} is no text: it has a zero byte")
    return text
