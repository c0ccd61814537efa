"""IDX files: the format of MNIST and its kin, one array of bytes in a gzip file.

Two zero bytes, the kind of number, how many dimensions, each dimension as four bytes, then the values. A file from
somewhere else is trusted in nothing: it is unpacked no further than its dimensions, checked first, allow.
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from tinytorch.types import Array, Shape

UNSIGNED_BYTE = 0x08
LARGEST = 2**31  # bytes; ten times what any file of this kind holds


class DatasetError(RuntimeError):
    """A dataset is not there, or its files are not what they should be."""


def read_idx(path: Path, shape: tuple[int | None, ...]) -> Array:
    """Read a gzipped IDX file of bytes whose dimensions must be `shape`; None stands for any.

    Raises DatasetError, in one sentence, for whatever is wrong with the file.
    """
    try:
        with gzip.open(path) as file:
            return _read(file, path, shape)
    except FileNotFoundError as error:
        raise DatasetError(f"there is no file {path}") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DatasetError(f"{path} is no whole gzip file: {error}") from error
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror or error}") from error


def _read(file: gzip.GzipFile, path: Path, shape: tuple[int | None, ...]) -> Array:
    found = _dimensions(file, path)
    _check_dimensions(found, shape, path)
    size = math.prod(found)
    values = file.read(size + 1)  # one more, to see whether it ends there
    if len(values) != size:
        told = "more" if len(values) > size else f"only {len(values)}"
        raise DatasetError(f"{path}: its dimensions {found} announce {size} bytes, {told} follow")
    return np.frombuffer(values, np.uint8).reshape(found)


def _dimensions(file: gzip.GzipFile, path: Path) -> Shape:
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0":
        raise DatasetError(f"{path} is no IDX file: expected it to begin with two zero bytes, got {start[:2]!r}")
    if start[2] != UNSIGNED_BYTE:
        raise DatasetError(f"{path}: expected unsigned bytes (kind 0x08), got kind {start[2]:#04x}")
    sizes = file.read(4 * start[3])
    if len(sizes) < 4 * start[3]:
        raise DatasetError(f"{path} ends before its {start[3]} dimensions do")
    return tuple(np.frombuffer(sizes, ">u4").tolist())


def _check_dimensions(found: Shape, shape: tuple[int | None, ...], path: Path) -> None:
    fits = len(found) == len(shape) and all(want in {None, size} for want, size in zip(shape, found, strict=True))
    if not fits:
        wanted = " × ".join("any" if size is None else str(size) for size in shape)
        raise DatasetError(f"{path}: expected dimensions {wanted}, got {' × '.join(map(str, found)) or 'none'}")
    if not all(found) or math.prod(found) > LARGEST:
        raise DatasetError(f"{path}: dimensions {' × '.join(map(str, found))} are absurd")
