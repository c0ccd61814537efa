"""Weights in a file, each in a format that makes use of its zeros.

A file is the mark, the length of a JSON header, the header, the parts of all tensors one after the other, and a CRC-32
of all that. What is read is trusted in nothing: whatever is wrong is one CheckpointError.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tinytorch.core.module import Module
from tinytorch.core.tensor.dtypes import SUPPORTED
from tinytorch.replacing import replacing
from tinytorch.serialization import CheckpointError
from tinytorch.types import Array
from tinytorch_compress import formats

MARK = b"TTSPARSE"
LARGEST = 1 << 14  # numbers for each byte of a file: what unpacks to more is refused
INDICES = tuple(np.dtype(name) for name in ("uint8", "uint16", "uint32", "uint64"))
Arrays = dict[str, Array]


class Stored(NamedTuple):
    """What a format makes of a model."""

    format: str
    bytes: int  # of the whole file
    used_for: int  # so many tensors; the others cannot be written in it, and are dense


def write_packed(arrays: Mapping[str, Array], path: str | Path, format: str) -> Stored:
    """Write arrays by name; those of two dimensions and more in the format, as far as they can be, others dense."""
    chosen = {name: _chosen(array, format) for name, array in arrays.items()}
    header: dict[str, Any] = {}
    parts: list[Array] = []
    for name, (used, encoded) in chosen.items():
        told = {part: [str(values.dtype), len(values)] for part, values in encoded.items()}
        header[name] = {
            "format": used,
            "shape": list(arrays[name].shape),
            "dtype": str(arrays[name].dtype),
            "parts": told,
        }
        parts += encoded.values()
    text = json.dumps(header, separators=(",", ":")).encode()
    body = b"".join([MARK, len(text).to_bytes(8, "little"), text, *[part.tobytes() for part in parts]])
    with replacing(Path(path)) as file:
        file.write(body + zlib.crc32(body).to_bytes(4, "little"))
    return Stored(format, len(body) + 4, sum(used == format for used, _ in chosen.values()))


def read_packed(path: str | Path) -> Arrays:
    """Read what `write_packed` wrote; raises CheckpointError for anything else."""
    try:
        return dict(_read(Path(path).read_bytes()))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
        raise CheckpointError(f"read_packed: {path} cannot be read: {reason}") from error


def stored(model: Module, folder: str | Path) -> list[Stored]:
    """Write a model's state in every format into a folder, read each file back, and tell the bytes.

    Raises AssertionError where a file would not give the same numbers.
    """
    arrays = {name: tensor.array for name, tensor in model.state_dict().items()}
    found = []
    for number, format in enumerate(formats.FORMATS):
        path = Path(folder, f"weights{number}.bin")
        found.append(write_packed(arrays, path, format)._replace(bytes=path.stat().st_size))
        for name, array in read_packed(path).items():
            assert np.array_equal(array, arrays[name], equal_nan=array.dtype.kind == "f"), f"{format}: {name} differs"
    return found


def _chosen(array: Array, format: str) -> tuple[str, formats.Parts]:
    """The parts of an array in the format if it can be, else dense."""
    if array.ndim >= 2 and array.size:
        try:
            return format, formats.encode(array, format)
        except ValueError:
            if format != "2:4":  # only this one is not for every array
                raise
    return "dense", formats.encode(array, "dense")


def _read(content: bytes) -> Iterator[tuple[str, Array]]:
    body, checksum = content[:-4], content[-4:]
    start = len(MARK) + 8
    if not content.startswith(MARK) or zlib.crc32(body).to_bytes(4, "little") != checksum:
        raise ValueError("it is truncated, corrupted or of another kind")
    place = start + int.from_bytes(body[len(MARK) : start], "little")
    header = json.loads(body[start:place])
    for name, told in header.items():
        shape, dtype = tuple(told["shape"]), _dtype(told["dtype"], SUPPORTED)
        if not all(type(size) is int and size >= 0 for size in shape) or math.prod(shape) > LARGEST * len(body):
            raise ValueError(f"'{name}' cannot have shape {shape}")
        parts = {}
        for part, (kind, count) in told["parts"].items():
            values = _dtype(kind, (*SUPPORTED, *INDICES))
            if type(count) is not int or count < 0:
                raise ValueError(f"'{name}' cannot have {count!r} numbers")
            parts[part] = np.frombuffer(body[place : place + count * values.itemsize], values)
            place += count * values.itemsize
        yield name, formats.decode(parts, told["format"], shape, dtype).copy()
    if place != len(body):
        raise ValueError(f"there are {len(body)} bytes, expected {place}")


def _dtype(name: Any, known: tuple[Any, ...]) -> Any:
    if type(name) is not str or name not in {str(each) for each in known}:
        raise ValueError(f"there is no dtype {name!r}")
    return np.dtype(name)
