"""QTensor: real bytes, of any shape and granularity, and GGUF's blocks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as numbers

import tinytorch as tt
from tinytorch_quant import QTensor, gguf
from tinytorch_quant.qtensor import pack_int4, unpack_int4

SHAPES = [(8, 6), (3, 5), (4, 70), (5, 2, 3, 3)]
FLOATS = st.floats(-1000.0, 1000.0, width=32)


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("granularity", ["tensor", "channel", 32])
@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_no_number_moves_by_more_than_half_a_step(shape, bits, granularity, symmetric):
    x = tt.tensor(np.random.default_rng(0).standard_normal(shape).astype(np.float32))
    made = QTensor.from_float(x, bits, granularity, symmetric)
    assert made.dequantize().shape == made.int_repr().shape == shape
    assert np.abs(made.dequantize().numpy() - x.numpy()).max() <= made.scale.numpy().max() * 0.501
    low, high = made.quant_range
    assert low <= made.int_repr().min() <= made.int_repr().max() <= high


def test_bytes_are_what_the_format_says():
    x = tt.randn(64, 96)
    assert QTensor.from_float(x, 8, "channel").nbytes == 64 * 96 + 64 * 4
    assert QTensor.from_float(x, 4, 32).nbytes == 64 * 96 // 2 + 64 * 3 * 2
    assert QTensor.from_float(x, 4, 32, symmetric=False).nbytes == 64 * 96 // 2 + 64 * 3 * 4
    assert QTensor.from_float(x * 1e-9, 4, 32).nbytes == 64 * 96 // 2 + 64 * 3 * 4  # too small for float16
    assert QTensor.from_float(x, 4, "tensor", symmetric=False).nbytes == 64 * 96 // 2 + 4 + 4


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("granularity", ["tensor", "channel", 4])
@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("columns", [8, 7])
def test_rows_that_are_looked_up_are_those_of_the_whole(bits, granularity, symmetric, columns):
    made = QTensor.from_float(tt.randn(9, columns), bits, granularity, symmetric)
    indices = np.array([[3, 0], [8, 3]])
    assert np.array_equal(made.rows(indices).numpy(), made.dequantize().numpy()[indices])


@given(numbers.arrays(np.int8, st.integers(0, 40), elements=st.integers(-8, 7)))
def test_packing_two_in_a_byte_is_undone(codes):
    packed = pack_int4(codes)
    assert packed.nbytes == (len(codes) + 1) // 2
    assert np.array_equal(unpack_int4(packed, codes.shape), codes)


def test_a_state_is_saved_and_loaded_by_name(tmp_path):
    made, other = QTensor.from_float(tt.randn(4, 6), 4), QTensor((4, 6), 4, "channel", symmetric=True)
    tt.save(made.state_dict(), tmp_path / "a.npz")
    other.load_state_dict(tt.load(tmp_path / "a.npz"))
    assert list(made.state_dict()) == ["codes", "scale"]
    assert tt.equal(other.dequantize(), made.dequantize())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bits": 3}, "QTensor: expected 8 or 4 bits, got 3"),
        ({"granularity": "row"}, "expected 'tensor', 'channel' or a group's size, got 'row'"),
        ({"granularity": 0}, "expected 'tensor', 'channel' or a group's size, got 0"),
    ],
)
def test_what_cannot_be_is_one_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        QTensor.from_float(tt.randn(2, 2), **options)


@pytest.mark.parametrize(("name", "levels"), [("q8_0", 127), ("q4_0", 8)])
@given(rows=numbers.arrays(np.float32, (2, 64), elements=FLOATS))
def test_a_blocks_numbers_come_back_within_a_step(name, levels, rows):
    encode, decode = (getattr(gguf, f"{verb}_{name}") for verb in ("encode", "decode"))
    encoded = encode(rows)
    assert encoded.shape == (2, {"q8_0": 68, "q4_0": 36}[name])
    step = np.abs(rows.reshape(2, 2, 32)).max(axis=2).repeat(32, axis=1) / levels
    assert (np.abs(decode(encoded) - rows) <= step * 1.01 + 1e-4).all()  # the scale is a float16


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gguf.encode_q8_0(np.zeros(31, np.float32)), "encode_q8_0: expected rows of a multiple of 32 numbers"),
        (lambda: gguf.encode_q4_0(np.full(32, np.nan, np.float32)), "encode_q4_0: expected finite numbers"),
        (lambda: gguf.decode_q4_0(np.zeros(17, np.uint8)), "decode_q4_0: expected bytes in rows of a multiple of 18"),
    ],
)
def test_blocks_that_cannot_be_are_one_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call()
