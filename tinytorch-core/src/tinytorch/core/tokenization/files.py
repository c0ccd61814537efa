"""Tokenizers on the disk: JSON that says what it is, written whole or not at all, trusted in nothing when read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tinytorch.replacing import replacing
from tinytorch.serialization import PathLike

FORMAT, VERSION = "tinytorch tokenizer", 1
LARGEST = 1 << 26  # bytes; several times the largest vocabularies in use


class TokenizerError(RuntimeError):
    """A tokenizer's file cannot be written or read, or what it needs is not installed; the cause is chained."""


def write(path: PathLike, content: bytes) -> None:
    """Put `content` in the path's place once it is whole on the disk."""
    target = _path("save", path)
    try:
        with replacing(target) as file:
            file.write(content)
    except OSError as error:
        raise TokenizerError(
            f"save: cannot write {target}: {error.strerror or error}; what was there before is untouched"
        ) from error


def read(name: str, path: PathLike) -> bytes:
    """All of a file, unless it is larger than any tokenizer is."""
    source = _path(name, path)
    try:
        with source.open("rb") as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError as error:
        raise TokenizerError(f"{name}: there is no file {source}") from error
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
        raise TokenizerError(f"{name}: cannot read {source}: {getattr(error, 'strerror', error)}") from error
    if len(content) > LARGEST:
        raise TokenizerError(f"{name}: {source} has more than {LARGEST} bytes, which no tokenizer needs")
    return content


def to_json(kind: str, arguments: dict[str, Any]) -> bytes:
    """Write down what a constructor needs."""
    return json.dumps({"format": FORMAT, "version": VERSION, "kind": kind, **arguments}).encode() + b"\n"


def from_json(kind: str, content: bytes, path: PathLike) -> dict[str, Any]:
    """What the constructor of `kind` needs; the values are for it to check."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise damaged(path, error) from error
    if not isinstance(found, dict) or found.pop("format", None) != FORMAT:
        raise TokenizerError(f"load: {os.fspath(path)} is no tokenizer that tinytorch saved")
    version, saved_kind = found.pop("version", None), found.pop("kind", None)
    if version != VERSION:
        raise TokenizerError(f"load: {os.fspath(path)} has version {version!r}, this tinytorch reads {VERSION}")
    if saved_kind != kind:
        raise TokenizerError(f"load: {os.fspath(path)} holds a {saved_kind!r}, not a {kind!r}; load it with its class")
    return found


def damaged(path: PathLike, error: BaseException, name: str = "load") -> TokenizerError:
    """Make the one sentence for a file that is not what it should be."""
    reason = " ".join(str(error).split()) or type(error).__name__
    return TokenizerError(f"{name}: {os.fspath(path)} is damaged or of another kind: {reason:.200}")


def _path(name: str, path: PathLike) -> Path:
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"{name}: expected a path, got {type(path).__name__}")
    return Path(path)
