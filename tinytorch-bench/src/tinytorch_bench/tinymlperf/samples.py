"""Samples: what the official files hold, as real numbers; never anything that was made up to look like them.

The folder is laid out as MLPerf Tiny's runner wants it: `kws01/y_labels.csv` and the files that it names, a line each,
`file,classes,label`, for sounds with two more numbers, the bytes of a window and those from one to the next. Inputs
that are drawn have no labels: they serve where only time is measured.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tinytorch.types import Array
from tinytorch_bench.tinymlperf.tasks import Task, TinyError

LABELS = "y_labels.csv"
LARGEST = 1 << 22  # bytes of a file; a sound of ten seconds has some 160,000
MOST = 1 << 16  # samples


class Samples(NamedTuple):
    """Inputs and what they are."""

    files: list[Array]  # each (windows, *shape): images and words are one window, sounds some two hundred
    labels: Array  # (files,) int64
    source: str


def read(task: Task, folder: Path) -> Samples | None:
    """Read the official samples from a folder; None where there are none.

    Raises TinyError where files are missing, or are not what the task says.
    """
    if (folder / task.official / LABELS).is_file():
        return _read_official(task, folder / task.official)
    if task.packed and (folder / task.packed).is_file():
        return _read_packed(task, folder / task.packed)
    return None


def drawn(task: Task, count: int, seed: int = 0) -> Array:
    """Draw inputs of the right shape and range, without any meaning: (count, *shape) float32."""
    numbers = np.random.default_rng(seed).integers(*task.drawn, (count, *task.shape), endpoint=True)
    return _real(task, numbers)


def _read_official(task: Task, folder: Path) -> Samples:
    rows = list(_rows(task, folder / LABELS))
    files = [_windows(task, folder / name) for name, _ in rows]
    return Samples(files, np.array([label for _, label in rows]), f"{len(rows)} files of {task.official}/{LABELS}")


def _rows(task: Task, path: Path) -> Iterator[tuple[str, int]]:
    """File and label, line by line; names that lead elsewhere are refused."""
    width = int(np.prod(task.shape)) * np.dtype(task.stored).itemsize
    windows = [str(width), str(task.stride * np.dtype(task.stored).itemsize)] if task.stride else []
    labels = [str(label) for label in range(task.classes)]
    with path.open("rb") as file:
        lines = file.read(LARGEST).decode("utf-8", errors="replace").splitlines()
    if not 0 < len(lines) <= MOST:
        raise TinyError(f"{path}: expected 1 to {MOST} lines, got {len(lines)}")
    for number, row in enumerate(csv.reader(lines), 1):
        fields = [field.strip() for field in row]
        name = fields[0] if fields else ""
        plain = name not in ("", ".", "..") and not set(name) & {"/", "\\", "\0"}
        if len(fields) < 3 or not plain or fields[1] != str(task.classes) or fields[2] not in labels:
            raise TinyError(f"{path}, line {number}: expected 'file,{task.classes},label', got '{','.join(row):.80}'")
        if windows and fields[3:] != windows:
            raise TinyError(
                f"{path}, line {number}: expected windows of {' and '.join(windows)} bytes, got {fields[3:]}"
            )
        yield name, int(fields[2])


def _windows(task: Task, path: Path) -> Array:
    """(windows, *shape) real numbers of a file."""
    if not path.is_file():
        raise TinyError(f"{path} is missing, which {LABELS} names")
    size = int(np.prod(task.shape))
    if path.stat().st_size > LARGEST:
        raise TinyError(f"{path}: expected at most {LARGEST} bytes, got {path.stat().st_size}")
    data = path.read_bytes()
    itemsize = np.dtype(task.stored).itemsize
    fits = len(data) >= size * itemsize and len(data) % itemsize == 0 if task.stride else len(data) == size * itemsize
    if not fits:
        raise TinyError(f"{path}: expected {size * itemsize} bytes{' or more' * bool(task.stride)}, got {len(data)}")
    numbers = _real(task, np.frombuffer(data, task.stored))
    if not np.isfinite(numbers).all():
        raise TinyError(f"{path}: expected finite numbers")
    if not task.stride:
        return numbers.reshape(1, *task.shape)
    return np.lib.stride_tricks.sliding_window_view(numbers, size)[:: task.stride]


def _read_packed(task: Task, path: Path) -> Samples:
    """All samples in one .npz: `features` (n, ...) as stored, and `labels` (n,)."""
    try:
        with np.load(path, allow_pickle=False) as packed:
            features, labels = packed["features"], packed["labels"].reshape(-1)
    except (OSError, ValueError, KeyError) as error:
        raise TinyError(f"{path}: expected arrays 'features' and 'labels': {error}") from error
    right = features.dtype == task.stored and features[:1].size == np.prod(task.shape) and labels.dtype.kind in "iu"
    if not right or len(features) != len(labels) or not len(labels):
        raise TinyError(
            f"{path}: expected {task.stored} features of {task.shape} and a label each, got {features.shape}"
        )
    if labels.min() < 0 or labels.max() >= task.classes:
        raise TinyError(f"{path}: expected labels from 0 to {task.classes - 1}, got {labels.min()} to {labels.max()}")
    inputs = _real(task, features).reshape(-1, 1, *task.shape)
    return Samples(list(inputs), labels.astype(np.int64), f"{len(labels)} samples of {task.packed}")


def _real(task: Task, stored: Array) -> Array:
    """Stored numbers as the real ones that they stand for, float32."""
    wide = stored.astype(np.float32)
    return wide if (task.scale, task.zero) == (1.0, 0) else (wide - np.float32(task.zero)) * np.float32(task.scale)
