"""Files that are written deflated are read like any other."""

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.serialization import CheckpointError, load_with_metadata, save


@pytest.fixture
def tensors():
    """Random numbers, nearly all zeros, nothing but zeros, small integers, and none at all."""
    rng = np.random.default_rng(0)
    sparse = np.where(rng.random((300, 100)) < 0.1, rng.standard_normal((300, 100)), 0).astype("float32")
    arrays = {
        "random": rng.standard_normal((50, 50)).astype("float32"),
        "sparse": sparse,
        "zeros": np.zeros(2_000_000, "float32"),
        "few": rng.integers(-3, 3, 5000).astype("int8"),
        "empty": np.zeros((0, 3), "float32"),
    }
    return {name: tt.tensor(array) for name, array in arrays.items()}


def test_what_was_written_is_read_back(tensors, tmp_path):
    save(tensors, tmp_path / "a.npz", {"of": "a test"}, compress=True)
    read, metadata = load_with_metadata(tmp_path / "a.npz")
    assert metadata == {"of": "a test"}
    assert list(read) == list(tensors)
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(read[name].numpy(), tensor.numpy())


def test_zeros_take_little_room(tensors, tmp_path):
    del tensors["zeros"]
    sizes = []
    for compress in (False, True):
        save(tensors, tmp_path / "a.npz", compress=compress)
        sizes.append((tmp_path / "a.npz").stat().st_size)
    assert sizes[1] < 0.3 * sizes[0]


def test_only_npz_is_compressed(tensors, tmp_path):
    with pytest.raises(CheckpointError, match=r"only \.npz files are compressed"):
        save(tensors, tmp_path / "a.safetensors", compress=True)
    assert not (tmp_path / "a.safetensors").exists()
