"""Saving tensors by name: as safetensors, or as numpy's .npz; never pickle.

A file is written beside its place, synced to the disk and renamed, so that at any instant there is either the old file
or the new one, whole. What is read is trusted in nothing: whatever is wrong with a file is one CheckpointError.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.dtypes import SUPPORTED
from tinytorch.types import Array

METADATA = "__metadata__"
PathLike = str | os.PathLike[str]


class CheckpointError(RuntimeError):
    """A file cannot be written or read; the cause is chained."""


def save(tensors: Mapping[str, Tensor], path: PathLike, metadata: Mapping[str, Any] | None = None) -> None:
    """Write tensors by name, and a JSON-able mapping beside them; `.safetensors` or `.npz` by the path's ending.

    The path's earlier content stays until the new one is whole on the disk.
    """
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor):
            raise TypeError(f"save: expected tensors by name, got {type(tensor).__name__} for '{name}'; save a state_dict()")
    target = Path(path)
    arrays = {name: np.ascontiguousarray(tensor.array).reshape(tensor.shape) for name, tensor in tensors.items()}
    write = {".safetensors": _write_safetensors, ".npz": _write_npz}[_format("save", target)]
    try:
        with replacing(target) as file:
            write(file, arrays, json.dumps(metadata or {}))
    except OSError as error:
        raise CheckpointError(f"save: cannot write {target}: {error.strerror or error}; what was there before is untouched") from error


def load(path: PathLike) -> dict[str, Tensor]:
    """Read the tensors that `save` wrote, or that another framework wrote as safetensors."""
    return load_with_metadata(path)[0]


def load_with_metadata(path: PathLike) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of a file and the mapping that was saved beside them."""
    source = Path(path)
    read = {".safetensors": _read_safetensors, ".npz": _read_npz}[_format("load", source)]
    if not source.is_file():
        raise CheckpointError(f"load: there is no file {source}")
    try:
        arrays, text = read(source)
        metadata = json.loads(text)
    except CheckpointError:
        raise
    except Exception as error:  # a hostile file may fail in any way; it is told in one sentence, the cause is kept
        raise CheckpointError(f"load: {source} cannot be read, it is truncated, corrupted or no such file: {error}") from error
    for name, array in arrays.items():
        if array.dtype not in SUPPORTED:
            raise CheckpointError(f"load: '{name}' in {source} has dtype {array.dtype}, which is not supported")
    return {name: Tensor(array) for name, array in arrays.items()}, metadata if isinstance(metadata, dict) else {}


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write that takes the path's place when the block ends well, and disappears when it does not."""
    import tempfile  # here and below: slow to import, and most programs save nothing

    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105  atomic, and the path may be any string
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)  # noqa: PTH108
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the renaming itself survive a power cut, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _format(name: str, path: Path) -> str:
    if path.suffix not in {".safetensors", ".npz"}:
        raise CheckpointError(f"{name}: expected a path ending in .safetensors or .npz, got {path}")
    return path.suffix


def _write_npz(file: IO[bytes], arrays: dict[str, Array], metadata: str) -> None:
    import zipfile

    text = np.frombuffer(metadata.encode(), np.uint8)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in {**arrays, METADATA: text}.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:  # no date: same bits, same file
                np.lib.format.write_array(member, array, allow_pickle=False)


def _read_npz(path: Path) -> tuple[dict[str, Array], str]:
    import zipfile

    arrays = {}
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.compress_type != zipfile.ZIP_STORED and info.file_size > 1000 * max(info.compress_size, 1):
                raise CheckpointError(f"load: '{info.filename}' in {path} unpacks to {info.file_size} bytes; refused")
            with archive.open(info) as member:
                arrays[info.filename.removesuffix(".npy")] = np.lib.format.read_array(member, allow_pickle=False)
    text = arrays.pop(METADATA, None)
    return arrays, "{}" if text is None else text.tobytes().decode()


def _write_safetensors(file: IO[bytes], arrays: dict[str, Array], metadata: str) -> None:
    file.write(_safetensors().save(arrays, {"tinytorch": metadata}))


def _read_safetensors(path: Path) -> tuple[dict[str, Array], str]:
    with _safetensors("").safe_open(path, framework="numpy") as file:
        notes = file.metadata() or {}
        return {name: file.get_tensor(name) for name in file.keys()}, notes.get("tinytorch", "{}")  # noqa: SIM118  not a dict


def _safetensors(module: str = ".numpy") -> Any:
    import importlib  # noqa: PLC0415  only who saves safetensors pays for it

    try:
        return importlib.import_module(f"safetensors{module}")
    except ImportError as error:
        raise CheckpointError("safetensors files need the extra: pip install 'tinytorch-core[safetensors]'") from error


