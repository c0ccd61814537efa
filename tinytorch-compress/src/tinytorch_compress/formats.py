"""Formats for weights: arrays of any shape as flat parts, and back to the same numbers.

`dense` keeps all numbers; `bitmap` a bit for each and those that are not zero; `csr` (compressed sparse rows) their
columns row by row; `2:4` the two of every four inputs that may differ from zero, and two bits for the place of each;
`gzip` is the dense bytes deflated. Zero may lose its sign.
"""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tinytorch.types import Array, DType, Shape

Parts = dict[str, Array]


class Format(NamedTuple):
    """How an array becomes parts, and parts the array; either raises ValueError where it cannot be."""

    encode: Callable[[Array], Parts]
    decode: Callable[[Parts, Shape, DType], Array]


def encode(values: Array, name: str) -> Parts:
    """The parts of an array in the format of that name."""
    return _format(name).encode(values)


def decode(parts: Parts, name: str, shape: Shape, dtype: DType) -> Array:
    """The array that some parts are of; raises ValueError for parts that do not fit together."""
    try:
        return _format(name).decode(parts, shape, dtype)
    except (KeyError, IndexError, OverflowError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{name}: its parts do not fit together: {error!r:.80}") from error


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise ValueError(f"expected a format of {', '.join(FORMATS)}, got {name!r}")
    return FORMATS[name]


def _dense(values: Array) -> Parts:
    return {"values": values.reshape(-1)}


def _from_dense(parts: Parts, shape: Shape, dtype: DType) -> Array:
    return _typed(parts["values"], math.prod(shape), dtype).reshape(shape)


def _bitmap(values: Array) -> Parts:
    flat = values.reshape(-1)
    return {"bits": np.packbits(flat != 0), "values": flat[flat != 0]}


def _from_bitmap(parts: Parts, shape: Shape, dtype: DType) -> Array:
    count = math.prod(shape)
    bits = _typed(parts["bits"], (count + 7) // 8, np.dtype(np.uint8))
    where = np.unpackbits(bits, count=count).astype(bool)
    flat = np.zeros(count, dtype)
    flat[where] = _typed(parts["values"], int(np.count_nonzero(where)), dtype)
    return flat.reshape(shape)


def _csr(values: Array) -> Parts:
    rows = values.reshape(values.shape[0], math.prod(values.shape[1:]))
    row, column = np.nonzero(rows)
    starts = np.searchsorted(row, np.arange(len(rows) + 1))
    return {
        "starts": starts.astype(np.min_scalar_type(len(row))),
        "columns": column.astype(np.min_scalar_type(max(rows.shape[1] - 1, 0))),
        "values": rows[row, column],
    }


def _from_csr(parts: Parts, shape: Shape, dtype: DType) -> Array:
    rows = np.zeros((shape[0], math.prod(shape[1:])), dtype)
    starts, columns = (parts[name].astype(np.int64) for name in ("starts", "columns"))
    counts = np.diff(starts)
    if (
        len(starts) != shape[0] + 1
        or starts[0] != 0
        or (counts < 0).any()
        or starts[-1] != len(columns)
        or (columns < 0).any()
    ):
        raise ValueError("csr: its row starts do not fit its columns")
    rows[np.repeat(np.arange(shape[0]), counts), columns] = _typed(parts["values"], len(columns), dtype)
    return rows.reshape(shape)


def _two_of_four(values: Array) -> Parts:
    groups = _groups(values)
    if (np.count_nonzero(groups, axis=1) > 2).any():
        raise ValueError("2:4: more than two of four inputs are not zero")
    places = np.sort(np.argsort(groups == 0, axis=1, kind="stable")[:, :2], axis=1).astype(np.uint8)
    fours = places[:, 0] | (places[:, 1] << 2)  # four bits for each group
    fours = np.append(fours, np.zeros(len(fours) % 2, np.uint8))
    return {
        "places": (fours[0::2] | (fours[1::2] << 4)).astype(np.uint8),
        "values": np.take_along_axis(groups, places.astype(np.int64), axis=1).reshape(-1),
    }


def _from_two_of_four(parts: Parts, shape: Shape, dtype: DType) -> Array:
    groups = _groups(np.zeros(shape, dtype))
    packed = _typed(parts["places"], (len(groups) + 1) // 2, np.dtype(np.uint8))
    fours = np.stack([packed & 15, packed >> 4], axis=1).reshape(-1)[: len(groups)]
    places = np.stack([fours & 3, fours >> 2], axis=1).astype(np.int64)
    np.put_along_axis(groups, places, _typed(parts["values"], 2 * len(groups), dtype).reshape(-1, 2), axis=1)
    turned = groups.reshape(shape[0], *shape[2:], shape[1])
    return np.ascontiguousarray(np.moveaxis(turned, -1, 1))


def _groups(values: Array) -> Array:
    """Fours along the inputs, dim 1: (out, in, ...) -> (groups, 4)."""
    if values.ndim < 2 or values.shape[1] % 4:
        raise ValueError(f"2:4: the inputs of a weight of shape {values.shape} are no groups of 4")
    return np.ascontiguousarray(np.moveaxis(values, 1, -1)).reshape(-1, 4)


def _gzip(values: Array) -> Parts:
    packed = gzip.compress(np.ascontiguousarray(values).tobytes(), 9, mtime=0)
    return {"gzip": np.frombuffer(packed, np.uint8)}


def _from_gzip(parts: Parts, shape: Shape, dtype: DType) -> Array:
    length = math.prod(shape) * dtype.itemsize
    unpacker = zlib.decompressobj(wbits=31)  # of gzip
    content = unpacker.decompress(parts["gzip"].tobytes(), length + 1)  # and no more, whatever it announces
    if len(content) != length or not unpacker.eof:
        raise ValueError(f"gzip: expected {length} bytes")
    return np.frombuffer(bytearray(content), dtype).reshape(shape)


def _typed(values: Array, count: int, dtype: DType) -> Array:
    if len(values) != count or values.dtype != dtype:
        raise ValueError(f"expected {count} numbers of {dtype}, got {len(values)} of {values.dtype}")
    return values


FORMATS = {
    "dense": Format(_dense, _from_dense),
    "bitmap": Format(_bitmap, _from_bitmap),
    "csr": Format(_csr, _from_csr),
    "2:4": Format(_two_of_four, _from_two_of_four),
    "gzip": Format(_gzip, _from_gzip),
}
