"""llama2.c's files: the reference's tokens from a real one, and one clear sentence for a broken one."""

import json
import struct

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import models

SIZES = (8, 12, 2, 2, 1, 9, 16)  # width, hidden, layers, heads, key heads, vocabulary, length


def written(path, header=SIZES, extra=b"", lacking=0):
    """A file of random weights for this header."""
    width, hidden, layers, heads, kv_heads, vocabulary, length = header
    key = width // heads * kv_heads
    count = abs(vocabulary) * width * (1 if vocabulary > 0 else 2) + width
    count += layers * (2 * width + 2 * width * width + 2 * key * width + 3 * width * hidden)
    count += length * (width // heads)
    numbers = np.random.default_rng(0).standard_normal(count).astype("<f4") * 0.1
    content = struct.pack("<7i", *header) + numbers.tobytes() + extra
    path.write_bytes(content[: len(content) - lacking])
    return path


def test_stories_get_the_tokens_of_the_reference(stories):
    model = models.load_llama2c(stories / "stories260K.bin")
    assert model.generate([1], 199, temperature=0).tolist()[0] == json.loads((stories / "greedy_ids.json").read_text())


def test_every_number_of_the_file_is_used_in_its_place(tmp_path):
    path = written(tmp_path / "model.bin")
    state = models.load_llama2c(path).state_dict()
    numbers = np.frombuffer(path.read_bytes(), "<f4", offset=28)
    assert np.array_equal(state["model.embed_tokens.weight"].numpy().ravel(), numbers[:72])
    assert np.array_equal(state["model.layers.1.input_layernorm.weight"].numpy(), numbers[80:88])
    assert np.array_equal(state["model.norm.weight"].numpy(), numbers[-16 * 4 - 8 : -16 * 4])
    assert np.shares_memory(state["lm_head.weight"].numpy(), state["model.embed_tokens.weight"].numpy())


def test_a_last_layer_of_its_own_is_read(tmp_path):
    header = (*SIZES[:5], -9, 16)
    path = written(tmp_path / "model.bin", header)
    state = models.load_llama2c(path).state_dict()
    numbers = np.frombuffer(path.read_bytes(), "<f4", offset=28)
    assert np.array_equal(state["lm_head.weight"].numpy().ravel(), numbers[-72:])


def test_the_file_stays_as_it_is_when_the_model_learns(tmp_path):
    path = written(tmp_path / "model.bin")
    before = path.read_bytes()
    model = models.load_llama2c(path)
    model(tt.tensor([[1, 2, 3]])).sum().backward()
    tt.optim.SGD(model.parameters(), lr=0.1).step()
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_bytes(b"abc"), "is too short for a llama2.c model"),
        (lambda path: path.write_bytes(b""), "is too short for a llama2.c model"),
        (lambda path: written(path, lacking=4), "expected .* bytes for the sizes in its header, got"),
        (lambda path: written(path, lacking=3), "expected .* bytes for the sizes in its header, got"),
        (lambda path: written(path, extra=b"\0" * 4), "expected .* bytes for the sizes in its header, got"),
        (lambda path: path.write_bytes(b"PK\3\4" * 100), "is not a llama2.c model, its header says"),
        (lambda path: path.write_bytes(struct.pack("<7i", 8, 12, 2, 3, 1, 9, 16) * 9), "do not divide evenly"),
        (lambda path: path.write_bytes(struct.pack("<7i", 8, 12, -2, 2, 1, 9, 16) * 9), "is not a llama2.c model"),
        (lambda path: path.mkdir(), "cannot be read as a llama2.c model: Is a directory$"),
        (lambda path: None, "cannot be read as a llama2.c model: No such file or directory$"),
    ],
)
def test_a_file_that_holds_no_model_is_told(tmp_path, make, message):
    path = tmp_path / "model.bin"
    make(path)
    with pytest.raises(tt.CheckpointError, match=message):
        models.load_llama2c(path)
