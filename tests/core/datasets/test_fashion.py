"""Hostile and broken IDX files: each is told in one sentence."""

import gzip
import struct
from contextlib import suppress

import numpy as np
import pytest

from tinytorch.datasets import DatasetError, fashion_mnist
from tinytorch.datasets.idx import read_idx

IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"


def idx(values, *, kind=0x08, dimensions=None):
    """Make the bytes of an IDX file; `dimensions` may lie."""
    dimensions = values.shape if dimensions is None else dimensions
    head = struct.pack(">BBBB", 0, 0, kind, len(dimensions)) + struct.pack(f">{len(dimensions)}I", *dimensions)
    return head + values.astype(np.uint8).tobytes()


def images(count=3):
    return np.arange(count * 28 * 28).reshape(count, 28, 28) % 256


@pytest.fixture
def folder(tmp_path):
    """A whole Fashion-MNIST of three images a part."""
    for part in ("train", "t10k"):
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images())))
        (tmp_path / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.array([0, 9, 5]))))
    return tmp_path


def refused(folder):
    """Return the one sentence with which the folder is refused."""
    with pytest.raises(DatasetError) as caught:
        fashion_mnist(folder)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_whole_folder_is_read(folder):
    train, test = fashion_mnist(folder)
    assert train.tensors[0].shape == (3, 1, 28, 28)
    assert train.tensors[0].dtype == np.float32
    assert train.tensors[0].array[0, 0, 0, 5] == np.float32(5 / 255)
    assert test.tensors[1].tolist() == [0, 9, 5]


def test_an_absent_folder_says_how_to_get_the_files(tmp_path):
    message = refused(tmp_path / "nowhere")
    assert "apt install dataset-fashion-mnist" in message
    assert str(tmp_path / "nowhere") in message


def test_one_absent_file_is_named(folder):
    (folder / LABELS).unlink()
    assert LABELS in refused(folder)


whole = idx(images())
HOSTILE = {
    "empty": (b"", "no IDX file"),
    "text": (b"hello, world", "no IDX file"),
    "little": (b"\x08\0", "no IDX file"),
    "floats": (idx(images(), kind=0x0D), "kind 0x0d"),
    "no dimensions": (b"\0\0\x08\0" + b"x" * 100, "got none"),
    "255 dimensions": (b"\0\0\x08\xff" + b"\1" * 100, "before its 255 dimensions do"),
    "labels for images": (idx(np.zeros(5)), "expected dimensions any × 28 × 28, got 5"),
    "other size": (idx(np.zeros((2, 32, 32))), "got 2 × 32 × 32"),
    "none": (idx(np.zeros((0, 28, 28))), "absurd"),
    "four billion": (idx(images(), dimensions=(2**32 - 1, 28, 28)), "absurd"),
    "a million announced": (idx(images(), dimensions=(1_000_000, 28, 28)), "only 2352 follow"),
    "one more announced": (idx(images(), dimensions=(4, 28, 28)), "only 2352 follow"),
    "one less announced": (idx(images(), dimensions=(2, 28, 28)), "more follow"),
    "one byte short": (whole[:-1], "only 2351 follow"),
    "one byte long": (whole + b"x", "more follow"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_idx_file_of_images_is_refused(folder, name):
    content, told = HOSTILE[name]
    (folder / IMAGES).write_bytes(gzip.compress(content))
    message = refused(folder)
    assert told in message
    assert IMAGES in message


@pytest.mark.parametrize("length", [0, 1, 5, 10, 17, 40, 200, -8, -1])
def test_truncated_gzip_is_refused(folder, length):
    packed = (folder / IMAGES).read_bytes()
    (folder / IMAGES).write_bytes(packed[:length])
    assert IMAGES in refused(folder)


def test_every_flipped_bit_is_refused_or_harmless(folder):
    """In gzip's header there are bytes that mean nothing (the date); everywhere else the checksum tells."""
    packed = (folder / IMAGES).read_bytes()
    wanted = read_idx(folder / IMAGES, (None, 28, 28))
    for at in range(0, len(packed), 3):
        flipped = bytearray(packed)
        flipped[at] ^= 1 << at % 8
        (folder / IMAGES).write_bytes(flipped)
        with suppress(DatasetError):
            assert np.array_equal(read_idx(folder / IMAGES, (None, 28, 28)), wanted)


def test_a_bomb_is_not_unpacked(folder):
    """A gigabyte of zeros in a megabyte: only what the dimensions announce is ever unpacked."""
    bomb = gzip.compress(idx(images()) + bytes(2**26))
    (folder / IMAGES).write_bytes(bomb)
    assert "more follow" in refused(folder)


def test_images_without_labels_are_refused(folder):
    (folder / LABELS).write_bytes(gzip.compress(idx(np.array([1, 2]))))
    assert "3 images" in refused(folder)


def test_labels_of_no_class_are_refused(folder):
    (folder / LABELS).write_bytes(gzip.compress(idx(np.array([0, 10, 3]))))
    assert "from 0 to 9, got 10" in refused(folder)


def test_a_folder_in_the_place_of_a_file_is_refused(folder):
    (folder / IMAGES).unlink()
    (folder / IMAGES).mkdir()
    assert IMAGES in refused(folder)
