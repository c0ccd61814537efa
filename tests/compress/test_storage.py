"""Every format gives back the numbers that were written, and no file can make it do anything else."""

import json
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinytorch import models
from tinytorch.serialization import CheckpointError
from tinytorch_compress import prune
from tinytorch_compress.formats import FORMATS, decode, encode
from tinytorch_compress.sparsity import sparsify
from tinytorch_compress.storage import MARK, read_packed, stored, write_packed


def drawn(shape, share, seed=0, dtype="float32"):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(shape) * (rng.random(shape) >= share)).astype(dtype)


def two_of_four(shape, seed=0):
    values = drawn(shape, 0.3, seed)
    fours = np.moveaxis(values, 1, -1).reshape(-1, 4).copy()
    smallest = np.argsort(np.abs(fours), axis=1)[:, :2]
    np.put_along_axis(fours, smallest, 0.0, axis=1)
    return np.ascontiguousarray(np.moveaxis(fours.reshape(shape[0], *shape[2:], shape[1]), -1, 1))


@settings(deadline=None)
@given(
    st.sampled_from(["dense", "bitmap", "csr", "gzip"]),
    st.lists(st.integers(1, 5), min_size=2, max_size=4).map(tuple),
    st.sampled_from([0.0, 0.5, 0.9, 1.0]),
    st.sampled_from(["float32", "float64", "int8"]),
    st.integers(0, 99),
)
def test_formats_give_back_what_they_were_given(name, shape, share, dtype, seed):
    values = (drawn(shape, share, seed) * 9).astype(dtype)
    found = decode(encode(values, name), name, shape, values.dtype)
    np.testing.assert_array_equal(found, values)
    assert found.dtype == values.dtype


@settings(deadline=None)
@given(st.integers(1, 5), st.integers(1, 4), st.sampled_from([(), (3,), (2, 3)]), st.integers(0, 99))
def test_two_of_four_gives_back_what_it_was_given(out, groups, window, seed):
    values = two_of_four((out, 4 * groups, *window), seed)
    parts = encode(values, "2:4")
    np.testing.assert_array_equal(decode(parts, "2:4", values.shape, values.dtype), values)
    assert parts["values"].size == values.size // 2
    assert parts["places"].size == (values.size // 4 + 1) // 2


def test_two_of_four_is_only_for_such():
    with pytest.raises(ValueError, match="2:4: more than two of four inputs are not zero"):
        encode(np.ones((1, 4), "float32"), "2:4")
    with pytest.raises(ValueError, match=r"2:4: the inputs of a weight of shape \(4, 3\) are no groups of 4"):
        encode(np.zeros((4, 3), "float32"), "2:4")


def test_a_sparse_matrix_takes_what_the_format_says(tmp_path):
    values = drawn((100, 200), 0.9)
    nonzero = np.count_nonzero(values)
    sizes = {name: sum(part.nbytes for part in encode(values, name).values()) for name in ("dense", "bitmap", "csr")}
    assert sizes == {
        "dense": 4 * 20_000,
        "bitmap": 20_000 // 8 + 4 * nonzero,
        "csr": 2 * 101 + 1 * nonzero + 4 * nonzero,
    }


def test_a_model_is_written_in_every_format_and_its_bytes_are_those_of_the_files(tmp_path):
    model = sparsify(models.mlp(64, 32, 12), pattern="2:4")
    rows = {row.format: row for row in stored(prune.remove_all(model), tmp_path)}
    assert list(rows) == [*FORMATS]
    assert sorted(row.bytes for row in rows.values()) == sorted(p.stat().st_size for p in tmp_path.iterdir())
    assert [row.used_for for row in rows.values()] == [4, 2, 2, 2, 2]  # biases are dense
    assert rows["2:4"].bytes < 0.62 * rows["dense"].bytes


def test_layers_that_a_format_is_not_for_are_dense(tmp_path):
    arrays = {"even": two_of_four((3, 8)), "odd": drawn((3, 5), 0.5), "bias": drawn((3,), 0.0)}
    row = write_packed(arrays, tmp_path / "a.bin", "2:4")
    assert row.used_for == 1
    assert row.bytes == (tmp_path / "a.bin").stat().st_size
    for name, array in read_packed(tmp_path / "a.bin").items():
        np.testing.assert_array_equal(array, arrays[name])


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.bin"
    write_packed({"w": drawn((6, 8), 0.7), "b": drawn((6,), 0.0)}, path, "csr")
    return path


def test_every_flipped_byte_and_every_length_is_refused(file):
    content = file.read_bytes()
    for place in range(len(content)):
        file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(CheckpointError, match="cannot be read"):
            read_packed(file)
        file.write_bytes(content[:place])
        with pytest.raises(CheckpointError, match="cannot be read"):
            read_packed(file)


def forged(file, change):
    """The file with another header and a right checksum."""
    content = file.read_bytes()
    start = len(MARK) + 8
    end = start + int.from_bytes(content[len(MARK) : start], "little")
    header = json.loads(content[start:end])
    change(header)
    text = json.dumps(header).encode()
    body = MARK + len(text).to_bytes(8, "little") + text + content[end:-4]
    file.write_bytes(body + zlib.crc32(body).to_bytes(4, "little"))


FORGERIES = [
    lambda header: header["w"].update(format="brotli"),
    lambda header: header["w"].update(shape=[6, -8]),
    lambda header: header["w"].update(shape=[1 << 40, 1 << 20]),
    lambda header: header["w"].update(shape="68"),
    lambda header: header["w"].update(shape=[6, 2]),
    lambda header: header["w"].update(shape=[5, 8]),
    lambda header: header["w"].update(dtype="object"),
    lambda header: header["w"].update(dtype=3),
    lambda header: header["w"]["parts"].update(columns=["uint8", -1]),
    lambda header: header["w"]["parts"].update(columns=["uint8", 1 << 60]),
    lambda header: header["w"]["parts"].pop("starts"),
    lambda header: header["w"].update(parts=3),
    lambda header: header["w"].update(format="gzip"),
    lambda header: header["w"].update(format="bitmap"),
    lambda header: header["w"].update(format="2:4"),
    lambda header: header.pop("b"),
    lambda header: header.update(w=None),
]


@pytest.mark.parametrize("change", FORGERIES)
def test_a_forged_header_is_one_sentence(file, change):
    forged(file, change)
    with pytest.raises(CheckpointError, match=r"read_packed: .*a\.bin cannot be read: \S"):
        read_packed(file)


def test_a_gzip_that_unpacks_to_more_than_announced_stops_there(tmp_path):
    path = tmp_path / "a.bin"
    write_packed({"w": np.zeros((1000, 1000), "float32")}, path, "gzip")
    forged(path, lambda header: header["w"].update(shape=[2, 2]))
    with pytest.raises(CheckpointError, match="gzip: expected 16 bytes"):
        read_packed(path)


def test_a_format_that_is_none_is_refused(tmp_path):
    with pytest.raises(ValueError, match="expected a format of dense, bitmap, csr, 2:4, gzip, got 'zip'"):
        write_packed({"w": drawn((2, 2), 0.0)}, tmp_path / "a.bin", "zip")
    assert not (tmp_path / "a.bin").exists()
