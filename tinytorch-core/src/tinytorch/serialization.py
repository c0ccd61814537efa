"""Saving tensors by name: as safetensors, or as numpy's .npz; never pickle.

At any instant there is either the old file or the new one, whole (see replacing). What is read is trusted in nothing:
whatever is wrong with a file is one CheckpointError.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.dtypes import SUPPORTED
from tinytorch.replacing import replacing
from tinytorch.types import Array

if TYPE_CHECKING:
    from pathlib import Path

METADATA = "__metadata__"
MOST_PACKED = 1000  # times: what unpacks to more is refused
PathLike = str | os.PathLike[str]


class CheckpointError(RuntimeError):
    """A file cannot be written or read; the cause is chained."""


def save(
    tensors: Mapping[str, Tensor],
    path: PathLike,
    metadata: Mapping[str, Any] | None = None,
    *,
    compress: bool = False,
) -> None:
    """Write tensors by name, and a JSON-able mapping beside them; `.safetensors` or `.npz` by the path's ending.

    The path's earlier content stays until the new one is whole on the disk. `compress` deflates an .npz, which pays
    where tensors hold many zeros or few different numbers.
    """
    if not isinstance(tensors, Mapping):
        raise TypeError(f"save: expected tensors by name, got {type(tensors).__name__}; save a state_dict()")
    for name, tensor in tensors.items():
        if not isinstance(name, str):
            raise TypeError(f"save: expected names as texts, got {name!r}")
        if not isinstance(tensor, Tensor):
            raise TypeError(
                f"save: expected tensors by name, got {type(tensor).__name__} for '{name}'; save a state_dict()"
            )
    if METADATA in tensors:
        raise ValueError(f"save: no tensor can be named '{METADATA}'; that is where the metadata is kept")
    target = _path("save", path)
    if compress and _format("save", target) != ".npz":
        raise CheckpointError(f"save: only .npz files are compressed, got {target}")
    arrays = {name: np.ascontiguousarray(tensor.array).reshape(tensor.shape) for name, tensor in tensors.items()}
    writers = {".safetensors": _write_safetensors, ".npz": _write_compressed_npz if compress else _write_npz}
    write = writers[_format("save", target)]
    text = _to_json(metadata or {})
    try:
        with replacing(target) as file:
            write(file, arrays, text)
    except OSError as error:
        raise CheckpointError(
            f"save: cannot write {target}: {error.strerror or error}; what was there before is untouched"
        ) from error


def load(path: PathLike) -> dict[str, Tensor]:
    """Read the tensors that `save` wrote, or that another framework wrote as safetensors."""
    return load_with_metadata(path)[0]


def load_with_metadata(path: PathLike) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of a file and the mapping that was saved beside them."""
    source = _path("load", path)
    read = {".safetensors": _read_safetensors, ".npz": _read_npz}[_format("load", source)]
    if not os.path.isfile(source):  # noqa: PTH113  never raises, whatever the path
        raise CheckpointError(f"load: there is no file {source}")
    import json

    try:
        arrays, text = read(source)
        metadata = json.loads(text)
    except CheckpointError:
        raise
    except Exception as error:  # a hostile file may fail in any way; it is told in one sentence, the cause is kept
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CheckpointError(
            f"load: {source} cannot be read, it is truncated, corrupted or of another kind: {reason}"
        ) from error
    for name, array in arrays.items():
        if array.dtype not in SUPPORTED:
            raise CheckpointError(f"load: '{name}' in {source} has dtype {array.dtype}, which is not supported")
    if not isinstance(metadata, dict):
        raise CheckpointError(f"load: the metadata in {source} is no mapping but {type(metadata).__name__}")
    return {name: Tensor(array) for name, array in arrays.items()}, metadata


def _path(name: str, path: PathLike) -> Path:
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"{name}: expected a path, got {type(path).__name__}")
    from pathlib import Path  # here and below: slow to import, and most programs save nothing

    return Path(path)


def _format(name: str, path: Path) -> str:
    if path.suffix not in {".safetensors", ".npz"}:
        raise CheckpointError(f"{name}: expected a path ending in .safetensors or .npz, got {path}")
    return path.suffix


def _write_npz(file: IO[bytes], arrays: dict[str, Array], metadata: str) -> None:
    import zipfile

    text = np.frombuffer(metadata.encode(), np.uint8)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in {**arrays, METADATA: text}.items():
            with archive.open(
                zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True
            ) as member:  # no date: same bits, same file
                np.lib.format.write_array(member, array, allow_pickle=False)


def _write_compressed_npz(file: IO[bytes], arrays: dict[str, Array], metadata: str) -> None:
    import io
    import zipfile
    import zlib

    text = np.frombuffer(metadata.encode(), np.uint8)
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in {**arrays, METADATA: text}.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, allow_pickle=False)
            content = member.getvalue()
            small = len(content) / MOST_PACKED < len(zlib.compress(content, 9)) < len(content)
            kind = zipfile.ZIP_DEFLATED if small else zipfile.ZIP_STORED
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content, kind, 9)


def _read_npz(path: Path) -> tuple[dict[str, Array], str]:
    import zipfile

    arrays: dict[str, Array] = {}
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.compress_type != zipfile.ZIP_STORED and info.file_size > MOST_PACKED * max(info.compress_size, 1):
                raise CheckpointError(f"load: '{info.filename}' in {path} unpacks to {info.file_size} bytes; refused")
            name = info.filename.removesuffix(".npy")
            if name in arrays:
                raise CheckpointError(f"load: there are two tensors '{name}' in {path}")
            with archive.open(info) as member:
                arrays[name] = _read_npy(member, info.file_size)
    text = arrays.pop(METADATA, None)
    return arrays, "{}" if text is None else text.tobytes().decode()


def _read_npy(member: IO[bytes], size: int) -> Array:
    """Read one array of `size` bytes with its header, which may not announce more, or less, than there is."""
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    shape, fortran, dtype = read_header[np.lib.format.read_magic(member)](member)
    if dtype.hasobject:
        raise ValueError("it holds Python objects, which only pickle could read")
    length = math.prod(shape) * dtype.itemsize
    if length != size - member.tell():
        raise ValueError(f"an array of shape {shape} {dtype} needs {length} bytes, there are {size - member.tell()}")
    values = np.frombuffer(bytearray(member.read()), dtype)  # to the end, where the archive's checksum is compared
    return values.reshape(shape, order="F" if fortran else "C")


def _write_safetensors(file: IO[bytes], arrays: dict[str, Array], metadata: str) -> None:
    notes = f"{_checksum(arrays, metadata)} {metadata}"  # the format has no checksum of its own
    file.write(_safetensors().save(arrays, {"tinytorch": notes}))


def _read_safetensors(path: Path) -> tuple[dict[str, Array], str]:
    with _safetensors("").safe_open(path, framework="numpy") as file:
        notes = (file.metadata() or {}).get("tinytorch")
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a dict
    if notes is None:  # another framework's
        return arrays, "{}"
    checksum, _, text = notes.partition(" ")
    if checksum != _checksum(arrays, text):
        raise ValueError("its checksum is wrong")
    return arrays, text


def _checksum(arrays: dict[str, Array], metadata: str) -> str:
    """Return the CRC-32 of everything that a file says."""
    import zlib

    total = zlib.crc32(metadata.encode())
    for name in sorted(arrays):
        array = arrays[name]
        total = zlib.crc32(f"{name} {array.dtype} {array.shape}".encode(), total)
        total = zlib.crc32(np.ascontiguousarray(array).data, total)
    return f"{total:08x}"


def _to_json(metadata: Mapping[str, Any]) -> str:
    import json

    try:
        return json.dumps(metadata)
    except (TypeError, ValueError) as error:
        raise TypeError(f"save: expected metadata that JSON can hold: {error}") from error


def _safetensors(module: str = ".numpy") -> Any:
    import importlib

    try:
        return importlib.import_module(f"safetensors{module}")
    except ImportError as error:
        raise CheckpointError("safetensors files need the extra: pip install 'tinytorch-core[safetensors]'") from error
