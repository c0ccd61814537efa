"""Weights and settings as Hugging Face keeps them: safetensors files, and JSON beside them.

Nothing that is read is believed: whatever is wrong with a file is one CheckpointError. Tensors are listed first and
read one at a time through safetensors' memory map, so that a model is refused before anything large is allocated.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinytorch.serialization import CheckpointError

if TYPE_CHECKING:
    from pathlib import Path

    from tinytorch.types import Array, Shape

FLOATS = ("F32", "F16", "BF16")  # what is converted to float32
LONGEST_JSON = 1 << 24  # bytes; the longest indices of published models have a few hundred thousand


class Stored(NamedTuple):
    """A tensor in a file."""

    file: Path
    name: str
    dtype: str  # as safetensors names it
    shape: Shape


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file."""
    try:
        with path.open("rb") as file:
            text = file.read(LONGEST_JSON + 1)
        values = json.loads(text) if len(text) <= LONGEST_JSON else None
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, error) from error
    if not isinstance(values, dict):
        raise CheckpointError(f"load_pretrained: {path} is not an object in JSON of at most {LONGEST_JSON} bytes")
    return values


def listed(path: Path) -> list[Stored]:
    """The tensors of a file, or of all files of a folder."""
    return [each for file in _files(path) for each in _listed(file)]


def read(stored: Stored) -> Array:
    """A tensor as float32."""
    try:
        if stored.dtype == "BF16":
            return _widened(stored)
        with _safe_open()(stored.file, framework="numpy") as file:
            return file.get_tensor(stored.name).astype(np.float32, copy=False)
    except Exception as error:  # a hostile file may fail in any way; it is told in one sentence, the cause is kept
        raise _unreadable(stored.file, error) from error


def _files(path: Path) -> list[Path]:
    """One file, or those that the index of a folder names."""
    if not path.is_dir():
        return [path]
    index = path / "model.safetensors.index.json"
    if (path / "model.safetensors").exists() or not index.exists():
        return [path / "model.safetensors"]
    names = read_json(index).get("weight_map")
    if not isinstance(names, dict) or not all(_is_plain(name) for name in names.values()):
        raise CheckpointError(f"load_pretrained: {index} has no 'weight_map' to names of files beside it")
    return [path / name for name in sorted(set(names.values()))]


def _is_plain(name: Any) -> bool:
    """Whether it names a file in the same folder."""
    return isinstance(name, str) and name.endswith(".safetensors") and not set(name) & {"/", "\\", "\0"}


def _listed(path: Path) -> list[Stored]:
    if not path.is_file():
        raise CheckpointError(f"load_pretrained: there is no file {path}")
    safe_open = _safe_open()
    try:
        with safe_open(path, framework="numpy") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118  not a dict
            return [Stored(path, name, part.get_dtype(), tuple(part.get_shape())) for name, part in slices.items()]
    except Exception as error:  # as in `read`
        raise _unreadable(path, error) from error


def _widened(stored: Stored) -> Array:
    """A bfloat16 tensor, which numpy has not: its bits are the upper half of a float32's.

    safetensors hands none to numpy, so the place is looked up in the header, which `_listed` let it judge.
    """
    with stored.file.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        start = json.loads(file.read(length))[stored.name]["data_offsets"][0]
    halves = np.fromfile(stored.file, "<u2", math.prod(stored.shape), offset=8 + length + start)
    return (halves.astype(np.uint32) << 16).view(np.float32).reshape(stored.shape)


def _unreadable(path: Path, error: Exception) -> CheckpointError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return CheckpointError(f"load_pretrained: {path} cannot be read: {reason}")


def _safe_open() -> Any:
    try:
        from safetensors import safe_open
    except ImportError as error:
        raise CheckpointError("safetensors files need the extra: pip install 'tinytorch-core[safetensors]'") from error
    return safe_open
