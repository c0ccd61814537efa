"""The datasets that need no file of the person's: exclusive or, and the handwritten digits of the UCI.

The digits are 1797 real images of 8 × 8 pixels, packed with the core (LICENSE-digits.md says whose they are). The
test part is held out by class and by a fixed draw, so that every run on every machine is tested on the same images.
"""

from __future__ import annotations

import threading
from importlib import resources

import numpy as np

from tinytorch.core.dataloader import TensorDataset
from tinytorch.core.tensor import Tensor
from tinytorch.types import Array

SPLIT_SEED = 0  # of the digits; `manual_seed` does not touch it
TEST_SHARE = 0.2
READING = threading.Lock()


def xor() -> tuple[TensorDataset, TensorDataset]:
    """Give the four cases of exclusive or, (4, 2) -> 0 or 1; there are no others, so they are the test as well.

    >>> train, test = xor()
    >>> train.tensors[1].tolist()
    [0, 1, 1, 0]
    """
    inputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    cases = TensorDataset(Tensor(inputs), Tensor(np.array([0, 1, 1, 0], np.int64)))
    return cases, cases


def digits() -> tuple[TensorDataset, TensorDataset]:
    """Give the digits: images (n, 1, 8, 8) from 0 to 1, labels (n,); 1438 to learn from, 359 held out.

    Of each class a fifth is held out, drawn once and for all. The source does not say which of its 13 writers wrote
    an image, so the test is about new images, not about new writers.

    >>> train, test = digits()
    >>> train.tensors[0].shape, test.tensors[0].shape
    ((1438, 1, 8, 8), (359, 1, 8, 8))
    """
    images, labels = _packed_digits()
    scaled = images[:, None].astype(np.float32) / np.float32(16.0)  # the source counts from 0 to 16
    held_out = _stratified(labels)
    return _part(scaled, labels, ~held_out), _part(scaled, labels, held_out)


def _packed_digits() -> tuple[Array, Array]:
    """Read the images (n, 8, 8), counted from 0 to 16, and their labels (n,), by one thread at a time.

    Reading them in several at once may fail: numpy parses a header with `ast`, and CPython before 3.11.8
    counts how deep that goes in one place for all threads (its issue 106905).
    """
    with READING, resources.files(__package__).joinpath("digits.npz").open("rb") as file:
        packed = np.load(file, allow_pickle=False)
        return packed["images"], packed["labels"]


def _stratified(labels: Array) -> Array:
    """Choose a fifth of each class: (n,) -> booleans (n,).

    By the raw bits of PCG64, which numpy promises never to change; `permutation` it may (NEP 19).
    """
    draw = np.random.PCG64(SPLIT_SEED).random_raw(len(labels))
    chosen = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        order = members[np.argsort(draw[members], kind="stable")]
        chosen[order[: round(TEST_SHARE * len(members))]] = True
    return chosen


def _part(images: Array, labels: Array, chosen: Array) -> TensorDataset:
    return TensorDataset(Tensor(images[chosen]), Tensor(labels[chosen].astype(np.int64)))
