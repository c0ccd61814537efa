"""Files that are damaged, hostile or of another kind: one sentence each, and nothing has changed."""

import pickle
import zipfile
from contextlib import suppress

import numpy as np
import pytest
from middle_of_a_run import advanced, make, refused, told

from tinytorch.core.training import model_state, notes_of
from tinytorch.serialization import CheckpointError


def test_a_whole_checkpoint_brings_everything_back(saved):
    trainer, wanted = advanced(), told(make())
    assert told(trainer) != wanted
    trainer.load_checkpoint(saved)
    assert told(trainer) == wanted


def test_truncated_at_any_length(saved):
    whole = saved.read_bytes()
    trainer = advanced()
    for length in sorted({*range(0, len(whole), 61), 1, 4, 8, 22, len(whole) - 1}):
        saved.write_bytes(whole[:length])
        refused(trainer, saved)


def test_every_flipped_bit_is_refused_or_harmless(saved):
    """There are bytes that mean nothing (zip's dates); with any of them changed the content is still the same."""
    whole = bytearray(saved.read_bytes())
    wanted, other = told(make()), advanced()
    before = told(other)
    for at in range(0, len(whole), 17):
        whole[at] ^= 1 << at % 8
        saved.write_bytes(whole)
        whole[at] ^= 1 << at % 8
        with suppress(CheckpointError):
            other.load_checkpoint(saved)
        after = told(other)
        assert after in (before, wanted)
        if after == wanted:
            other = advanced()


@pytest.mark.parametrize("content", [b"", b"PK", b"hello", b"\0" * 1000, pickle.dumps({"model": [1, 2]})], ids=repr)
@pytest.mark.parametrize("ending", ["npz", "safetensors"])
def test_files_of_another_kind(tmp_path, ending, content):
    if ending == "safetensors":
        pytest.importorskip("safetensors")
    path = tmp_path / f"run.{ending}"
    path.write_bytes(content)
    refused(advanced(), path)
    for read in (notes_of, model_state):
        with pytest.raises(CheckpointError):
            read(path)


def test_the_other_format_under_this_name(saved, tmp_path):
    pytest.importorskip("safetensors")
    renamed = tmp_path / ("other.npz" if saved.suffix == ".safetensors" else "other.safetensors")
    renamed.write_bytes(saved.read_bytes())
    refused(advanced(), renamed)


@pytest.mark.parametrize("name", ["run.pt", "run", "run.pkl", "run.npz.gz"])
def test_endings_that_are_not_ours(tmp_path, name):
    assert "expected a path ending in" in refused(advanced(), tmp_path / name)


def test_what_is_no_file(tmp_path):
    (tmp_path / "folder.npz").mkdir()
    for name in ("absent.npz", "folder.npz", "no/where.npz", "x" * 300 + ".npz", "nul\0.npz"):
        refused(advanced(), tmp_path / name)


class Evil:
    """What runs when a pickle is loaded."""

    ran = False

    def __reduce__(self):
        return (exec, ("import test_damaged; raise SystemExit('ran')",))


def test_objects_in_an_npz_are_never_unpickled(tmp_path):
    path = tmp_path / "run.npz"
    np.savez(path, x=np.array([Evil(), 1], dtype=object))
    assert "Python objects" in refused(advanced(), path)


def npy(shape="(1000,)", descr="'<f4'", data=b"\0" * 4000):
    head = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"
    head += " " * (-(len(head) + 11) % 64) + "\n"
    return b"\x93NUMPY\1\0" + len(head).to_bytes(2, "little") + head.encode() + data


ARRAYS = {
    "absurd": npy("(10**15,)".replace("10**15", "1" + "0" * 15)),
    "overflowing": npy("(4294967296, 4294967296, 4294967296)"),
    "negative": npy("(-1,)"),
    "short": npy("(1001,)"),
    "long": npy("(999,)"),
    "no shape": npy("'x'"),
    "code": npy("(__import__('os').getpid(),)"),
    "deep": npy("(" * 90 + ")" * 90),
    "objects": npy("(2,)", "'|O'", b""),
    "structured": npy("(500,)", "[('a', '<f4'), ('b', '<f4')]"),
    "texts": npy("(10,)", "'<U100'"),
    "other byte order": npy("(1000,)", "'>f4'"),
    "complex": npy("(500,)", "'<c8'"),
    "no array": b"hello",
    "nothing": b"",
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_that_lie(tmp_path, name):
    path = tmp_path / "run.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", ARRAYS[name])
    refused(advanced(), path)


def test_an_array_that_is_there_twice(tmp_path):
    path = tmp_path / "run.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", npy())
        archive.writestr("x", npy())
    assert "two tensors 'x'" in refused(advanced(), path)


def test_a_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "run.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", npy("(25000000,)", data=bytes(100_000_000)))
    assert "unpacks to" in refused(advanced(), path)


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", "null", "3", '"x"', "[" * 100_000, "1" * 5000, '{"format": 1}', '{"format": 2}', "\xff"],
    ids=lambda text: repr(text)[:12],
)  # fmt: skip
def test_metadata_that_is_none(tmp_path, text):
    path = tmp_path / "run.npz"
    np.savez(path, __metadata__=np.frombuffer(text.encode("latin-1"), np.uint8))
    refused(advanced(), path)


@pytest.mark.parametrize("array", [np.zeros(3), np.zeros((2, 2), np.uint8), np.array(7)], ids=repr)
def test_metadata_in_the_wrong_place(tmp_path, array):
    path = tmp_path / "run.npz"
    np.savez(path, __metadata__=array)
    refused(advanced(), path)
