"""Files that are made of a recording: whole or not there at all."""

from __future__ import annotations

from collections.abc import Iterable
from gzip import GzipFile
from io import BufferedWriter
from pathlib import Path

from tinytorch.replacing import replacing


def text(value: str) -> bytes:
    r"""Encode text as UTF-8; what has no encoding, half a character from a broken file name, becomes \ud800."""
    return value.encode("utf-8", "backslashreplace")


def printable(value: str) -> str:
    """Text that can be encoded, see `text`."""
    return text(value).decode("utf-8")


def write(path: str | Path, chunks: Iterable[str]) -> None:
    """Write text to a file, which appears when all of it is there, compressed where the name ends in .gz."""
    place = Path(path)
    with replacing(place) as file:
        if place.suffix != ".gz":
            file.writelines(map(text, chunks))
            return
        packed = GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6, mtime=0)
        with BufferedWriter(packed) as buffer:
            buffer.writelines(map(text, chunks))


def expect_suffix(path: str | Path, what: str, *suffixes: str) -> None:
    """Raise ValueError unless the file's name ends as that of such a file does."""
    if not Path(path).name.endswith(suffixes):
        raise ValueError(f"{what}: expected a file name that ends in {' or '.join(suffixes)}, got {str(path)!r}")
