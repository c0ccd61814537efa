"""Reading JSON that is trusted in nothing: its size, its numbers, its names twice, its form by a JSON Schema.

Python's reader takes NaN and Infinity, and the last of two equal names; JSON has none of these.
"""

from __future__ import annotations

import json
import math
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

LARGEST = 8 << 20  # bytes of a file
TOLD = 160  # characters of what is wrong


class FormatError(ValueError):
    """A file is not what it has to be; the sentence says what is wrong in it."""


def read(path: Path, schema: str) -> dict[str, Any]:
    """Read a file that has to follow one of our schemas."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror}") from error
    try:
        return checked(parsed(content), schema)
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error


def parsed(content: bytes) -> Any:
    """Read JSON in UTF-8, strictly."""
    if len(content) > LARGEST:
        raise FormatError(f"expected {LARGEST >> 20} MiB at most")
    try:
        return json.loads(
            content.decode(), object_pairs_hook=_once, parse_float=_finite, parse_constant=_finite, parse_int=_whole
        )
    except UnicodeDecodeError as error:
        raise FormatError(f"expected UTF-8, got byte {content[error.start]:#04x} at {error.start}") from error
    except RecursionError as error:
        raise FormatError("it is nested too deeply") from error
    except json.JSONDecodeError as error:
        raise FormatError(f"it is no JSON: {error}") from error


def checked(value: Any, schema: str) -> dict[str, Any]:
    """Give the value if it follows the schema and JSON can hold it; else raise FormatError with the first place."""
    errors = sorted(_validator(schema).iter_errors(value), key=lambda error: [str(part) for part in error.path])
    if errors:
        place = "/".join(map(str, errors[0].path)) or "the whole"
        raise FormatError(f"{place}: {_shortened(errors[0].message)}")
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except ValueError as error:
        raise FormatError(f"expected finite numbers and whole characters: {_shortened(str(error))}") from error
    found: dict[str, Any] = value
    return found


def schema_of(name: str) -> dict[str, Any]:
    """Read one of the schemas that come with the package: `run-1` or `submission-1`."""
    found: dict[str, Any] = json.loads(resources.files(__package__).joinpath("schemas", f"{name}.json").read_text())
    return found


@cache
def _validator(schema: str) -> Any:
    from jsonschema import Draft202012Validator  # slow to import, and most programs read nothing

    return Draft202012Validator(schema_of(schema))


def _shortened(text: str) -> str:
    return text if len(text) <= TOLD else f"{text[: TOLD // 2]} ... {text[-TOLD // 2 :]}"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise FormatError(f"the name {_shortened(repr(twice))} stands twice in one object")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise FormatError(f"expected finite numbers, got {_shortened(text)}")
    return number


def _whole(text: str) -> int:
    if len(text) > 18:
        raise FormatError(f"expected whole numbers of 64 bits, got {_shortened(text)}")
    return int(text)
