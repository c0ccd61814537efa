"""Files that are cut off, hostile or unsupported: one sentence each, which names the file and what is wrong."""

import sys

import numpy as np
import pytest
import tflite_for_tests as files
from hypothesis import given
from hypothesis import strategies as st
from tflite_for_tests import C, T

from tinytorch import models
from tinytorch.serialization import CheckpointError
from tinytorch_quant.tflite import load_tflite

pytest.importorskip("tflite")

CODES = T((1, 4), "int8", (0.5,), (0,))
SCORES = T((1, 4), "int8", (1 / 256,), (-128,))
FLOATS = T((1, 4), "float32")
SOFTMAX = {"Beta": 1.0}, "SoftmaxOptions"
FULLY = {"FusedActivationFunction": 0}, "FullyConnectedOptions"
POOL = {"StrideH": 1, "StrideW": 1, "Padding": 0, "FilterHeight": 2, "FilterWidth": 2, "FusedActivationFunction": 0}
IMAGES = T((1, 4, 4, 2), "int8", (0.5,), (3,))


def one(op, tensors, *options):
    """A file of one call: all tensors but the last go in, the first from outside."""
    last = len(tensors) - 1
    return tensors, [C(op, [*range(last)], [last], *options)], [0], [last]


def weight(shape, dtype="int8", scales=(0.1,), zero_points=None, axis=0, numbers=None):
    made = np.ones(shape, dtype) if numbers is None else numbers
    return T(shape, dtype, scales, (0,) * len(scales) if zero_points is None else zero_points, axis, made)


def without_numbers(tensor):
    return T(tensor.shape, tensor.dtype, tensor.scales, tensor.zero_points)


UNSUPPORTED = {
    "operator LOGISTIC is not supported; known are ADD, AVERAGE_POOL_2D, CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED, "
    "MAX_POOL_2D, RESHAPE, SOFTMAX": one("LOGISTIC", [CODES, SCORES]),
    "expected a model of one graph, got 2": (*one("SOFTMAX", [CODES, SCORES], *SOFTMAX), 2),
    "tensor 't' is INT16, which is not supported": one("SOFTMAX", [T((1, 4), "int16"), SCORES], *SOFTMAX),
    "tensor 't' has the shape (1, 0)": one("SOFTMAX", [T((1, 0), "int8", (0.5,), (0,)), SCORES], *SOFTMAX),
    "tensor 't' has the shape (1048576, 1048576)": one("SOFTMAX", [T((1 << 20, 1 << 20)), SCORES], *SOFTMAX),
    "tensor 't' of shape (4, 4) and int8 has 3 bytes": one(
        "FULLY_CONNECTED", [CODES, weight((4, 4), numbers=np.ones(3, "int8")), CODES], *FULLY
    ),
    "tensor 't' has scales [-1.] with zero points [0]": one(
        "SOFTMAX", [T((1, 4), "int8", (-1.0,), (0,)), SCORES], *SOFTMAX
    ),
    "'t' is not int8 with one scale and a zero point": one(
        "SOFTMAX", [T((1, 4), "int8", (1.0,), (200,)), SCORES], *SOFTMAX
    ),
    "SOFTMAX comes without its options": one("SOFTMAX", [CODES, SCORES]),
    "SOFTMAX from float32 to int8 is not supported": one("SOFTMAX", [FLOATS, SCORES], *SOFTMAX),
    "SOFTMAX gives codes of (0.5, 0), expected (1/256, -128)": one("SOFTMAX", [CODES, CODES], *SOFTMAX),
    "SOFTMAX of (1, 4) to (1, 4) with beta -1.0 is not supported": one(
        "SOFTMAX", [CODES, SCORES], {"Beta": -1.0}, "SoftmaxOptions"
    ),
    "FULLY_CONNECTED takes (1, 4) with weights of (2, 3)": one(
        "FULLY_CONNECTED", [CODES, weight((2, 3)), CODES], *FULLY
    ),
    "FULLY_CONNECTED makes (1, 2) of (1, 4), not (1, 4)": one(
        "FULLY_CONNECTED", [CODES, weight((2, 4)), CODES], *FULLY
    ),
    "FULLY_CONNECTED has no constant weights of 2 dimensions, float32 or int8": one(
        "FULLY_CONNECTED", [CODES, without_numbers(weight((4, 4))), CODES], *FULLY
    ),
    "FULLY_CONNECTED has no constant bias of 4 numbers of int32": one(
        "FULLY_CONNECTED", [CODES, weight((4, 4)), weight((3,), "int32"), CODES], *FULLY
    ),
    "FULLY_CONNECTED has weights of float32 for activations of int8": one(
        "FULLY_CONNECTED", [CODES, weight((4, 4), "float32"), CODES], *FULLY
    ),
    "FULLY_CONNECTED has weights without a scale for each output, or with zero points": one(
        "FULLY_CONNECTED", [CODES, weight((4, 4), zero_points=(1,)), CODES], *FULLY
    ),
    "FULLY_CONNECTED has weights with scales along axis 1, not 0": one(
        "FULLY_CONNECTED", [CODES, weight((4, 4), scales=(0.1,) * 4, axis=1), CODES], *FULLY
    ),
    "FULLY_CONNECTED has the activation 4, which is not supported": one(
        "FULLY_CONNECTED", [CODES, weight((4, 4)), CODES], {"FusedActivationFunction": 4}, "FullyConnectedOptions"
    ),
    "FULLY_CONNECTED: fold_zero_point: sums of up to 2147484159 do not fit into int32; the bias is too large": one(
        "FULLY_CONNECTED",
        [CODES, weight((4, 4)), weight((4,), "int32", numbers=np.full(4, 2**31 - 1, np.int32)), CODES],
        *FULLY,
    ),
    "AVERAGE_POOL_2D with another scale for what comes out is not supported": one(
        "AVERAGE_POOL_2D", [IMAGES, T((1, 4, 4, 2), "int8", (0.25,), (3,))], POOL, "Pool2DOptions"
    ),
    "AVERAGE_POOL_2D makes (1, 4, 4, 2) of (1, 4, 4, 2), not (1, 2, 2, 2)": one(
        "AVERAGE_POOL_2D", [IMAGES, T((1, 2, 2, 2), "int8", (0.5,), (3,))], POOL, "Pool2DOptions"
    ),
    "MAX_POOL_2D of (1, 4, 4, 2) with windows (2147483647, 2) is not supported": one(
        "MAX_POOL_2D", [IMAGES, IMAGES], POOL | {"FilterHeight": 2147483647}, "Pool2DOptions"
    ),
    "AVERAGE_POOL_2D takes (1, 4, 4, 2) with windows (2, 2), steps (0, 1), gaps (1, 1)": one(
        "AVERAGE_POOL_2D", [IMAGES, IMAGES], POOL | {"StrideH": 0}, "Pool2DOptions"
    ),
    "RESHAPE of (1, 4) int8 to (1, 3) int8": one("RESHAPE", [CODES, T((1, 3), "int8", (0.5,), (0,))]),
    "tensor 'two?lines' is INT16, which is not supported": one(
        "SOFTMAX", [T((1, 4), "int16", name="two\nlines"), SCORES], *SOFTMAX
    ),
    "no earlier call gives 'late'": (
        [CODES, SCORES, T((1, 4), "int8", (0.5,), (0,), name="late")],
        [C("SOFTMAX", [2], [1], *SOFTMAX)],
        [0],
        [1],
    ),
    "two calls give 'twice'": (
        [CODES, T((1, 4), "int8", (1 / 256,), (-128,), name="twice")],
        [C("SOFTMAX", [0], [1], *SOFTMAX)] * 2,
        [0],
        [1],
    ),
    "there are 2 tensors, a call takes number 7": ([CODES, SCORES], [C("SOFTMAX", [7], [1], *SOFTMAX)], [0], [1]),
    "expected a model of some inputs and one output, got 0 and 1": ([CODES], [], [], [0]),
}


@pytest.mark.parametrize("sentence", UNSUPPORTED)
def test_what_is_not_supported_is_named(sentence, tmp_path):
    path = tmp_path / "wrong.tflite"
    path.write_bytes(files.written(*UNSUPPORTED[sentence]))
    with pytest.raises(CheckpointError) as caught:
        load_tflite(path)
    assert str(caught.value) == f"{path}: {sentence}"


@pytest.mark.parametrize("content", [b"", b"TFL3", b"not a model at all", bytes(100)])
def test_another_file_is_refused(content, tmp_path):
    path = tmp_path / "other.tflite"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"other\.tflite: is (not a|cut off or no) \.tflite model"):
        load_tflite(path)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="cannot be read: Is a directory"):
        load_tflite(tmp_path)


@given(st.sampled_from([*files.DRAWN]), st.integers(0, 99), st.data())
def test_a_damaged_file_gives_a_model_or_one_sentence(tmp_path_factory, name, seed, data):
    content = bytearray(files.written(*files.DRAWN[name](np.random.default_rng(seed))))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.tflite"
    path.write_bytes(content)
    sentence = said(path)
    assert not sentence or (sentence.startswith(f"{path}: ") and "\n" not in sentence)


def said(path):
    """What is wrong with a file, nothing where it is a model."""
    try:
        load_tflite(path)
    except CheckpointError as error:
        return str(error)
    return ""


def test_without_the_package_the_sentence_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tflite", None)
    path = tmp_path / "any.tflite"
    path.write_bytes(b"")
    with pytest.raises(CheckpointError) as caught:
        load_tflite(path)
    assert str(caught.value) == f"{path}: needs the package tflite: pip install 'tinytorch-quant[tflite]'"


def test_the_core_asks_the_plugin(tmp_path, quant_available):
    path = tmp_path / "soft.tflite"
    path.write_bytes(files.written(*one("SOFTMAX", [CODES, SCORES], *SOFTMAX)))
    assert [step.op for step in models.import_model(path).steps] == ["int8_softmax"]
