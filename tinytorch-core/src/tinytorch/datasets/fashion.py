"""Fashion-MNIST: 70,000 images of clothes, 28 × 28 (Xiao, Rasul and Vollgraf 2017); read from a folder.

It takes the place of the handwritten digits where those are too easy. Ten classes, from T-shirt to ankle boot.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from tinytorch.core.dataloader import TensorDataset
from tinytorch.core.tensor import Tensor
from tinytorch.datasets.idx import DatasetError, read_idx
from tinytorch.types import Array

FOLDER = "/usr/share/datasets/fashion-mnist"  # where Debian's package dataset-fashion-mnist puts them
PARTS = ("train", "t10k")
CLASSES = 10
HOW = (
    "on Debian and Ubuntu: apt install dataset-fashion-mnist; elsewhere download the four .gz files from "
    "https://github.com/zalandoresearch/fashion-mnist and name their folder"
)


def fashion_mnist(folder: str | os.PathLike[str] | None = None) -> tuple[TensorDataset, TensorDataset]:
    """Read images (n, 1, 28, 28) from 0 to 1 and labels (n,) from a folder's four IDX files: train and test.

    Raises DatasetError where files are missing, saying how to get them, and where they are not what they should be.
    """
    found = Path(FOLDER if folder is None else folder)
    missing = [path.name for part in PARTS for path in _paths(found, part) if not path.is_file()]
    if missing:
        raise DatasetError(f"Fashion-MNIST is not in {found} (no {missing[0]}); {HOW}")
    train, test = (_part(*_paths(found, part)) for part in PARTS)
    return train, test


def _paths(folder: Path, part: str) -> tuple[Path, Path]:
    return folder / f"{part}-images-idx3-ubyte.gz", folder / f"{part}-labels-idx1-ubyte.gz"


def _part(image_path: Path, label_path: Path) -> TensorDataset:
    images, labels = read_idx(image_path, (None, 28, 28)), read_idx(label_path, (None,))
    if len(images) != len(labels):
        raise DatasetError(f"{image_path} has {len(images)} images, but {label_path} has {len(labels)} labels")
    if labels.max() >= CLASSES:
        raise DatasetError(f"{label_path}: expected labels from 0 to {CLASSES - 1}, got {labels.max()}")
    return TensorDataset(Tensor(_scaled(images)), Tensor(labels.astype(np.int64)))


def _scaled(images: Array) -> Array:
    """Bytes to floats from 0 to 1, with the channel that convolutions expect: (n, h, w) -> (n, 1, h, w)."""
    return np.multiply(images[:, None], np.float32(1.0 / 255.0), dtype=np.float32)
