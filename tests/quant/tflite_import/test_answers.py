"""What imported models answer, bit for bit what LiteRT's reference kernels were recorded to answer."""

import json
from zlib import crc32

import numpy as np
import pytest
import record_tflite
import tflite_for_tests as files
from record_tflite import SEEDS, check_sum

import tinytorch as tt
from tinytorch_quant.tflite import load_tflite

pytest.importorskip("tflite")

RECORDED = json.loads(record_tflite.RECORDED.read_text())
INT8 = pytest.mark.parametrize("name", files.INT8_MODELS)


@pytest.mark.parametrize("name", files.DRAWN)
def test_an_operator_alone_gives_the_bits_of_the_reference(name, tmp_path):
    path = tmp_path / "drawn.tflite"
    for seed, (file_sum, answer) in zip(SEEDS, RECORDED["operators"][name], strict=True):
        content, inputs = record_tflite.drawn(name, seed)
        assert crc32(content) == file_sum, "the drawn file is not the one that was recorded"
        path.write_bytes(content)
        assert check_sum(load_tflite(path).codes(*map(tt.tensor, inputs)).numpy()) == answer, f"seed {seed}"


@INT8
def test_an_int8_model_gives_the_bits_of_the_reference(name, real_data):
    file, shape = files.INT8_MODELS[name]
    recorded, x = RECORDED["int8"][name], files.codes_for(shape)
    assert check_sum(x) == recorded["inputs"], "the drawn inputs are not those that were recorded"
    out = load_tflite(real_data(file)).codes(tt.tensor(x)).numpy()
    assert out[0].tolist() == recorded["first"]
    assert [check_sum(row) for row in out] == recorded["outputs"]


@INT8
def test_one_sample_and_a_batch_give_the_same(name, real_data):
    file, shape = files.INT8_MODELS[name]
    model, x = load_tflite(real_data(file)), tt.tensor(files.codes_for(shape)[:3])
    for place in range(3):
        alone = model.codes(x[place : place + 1]).numpy()
        np.testing.assert_array_equal(alone, model.codes(x).numpy()[place : place + 1])


@pytest.fixture
def samples(real_data):
    with np.load(real_data("kws/kws01_samples.npz")) as file:
        return file["features"][:, None], file["labels"]


def test_keywords_are_recognized_bit_for_bit_and_as_well_as_published(samples, real_data):
    features, labels = samples
    model = load_tflite(real_data(files.INT8_MODELS["kws"][0]))
    codes = model.codes(tt.tensor(features)).numpy()
    assert [check_sum(row) for row in codes] == RECORDED["samples"]
    assert (codes.argmax(1) == labels).mean() >= 0.9


def test_floats_go_in_and_probabilities_come_out(samples, real_data):
    features, _ = samples
    model = load_tflite(real_data(files.INT8_MODELS["kws"][0]))
    (port,) = model.inputs
    floats = (features[:50].astype("f") - port.zero_point) * np.float32(port.scale)
    out = model(tt.tensor(floats)).numpy()
    np.testing.assert_array_equal(out, (model.codes(tt.tensor(features[:50])).numpy() + np.float32(128)) / 256)


@pytest.mark.parametrize("name", RECORDED["float"])
def test_a_float_model_is_near_the_reference(name, real_data):
    file, shape, largest = files.FLOAT_MODELS[name]
    out = load_tflite(real_data(file))(tt.tensor(files.floats_for(shape, largest))).numpy()
    scale = np.abs(out).max()
    np.testing.assert_allclose(out[:, :16], RECORDED["float"][name], rtol=1e-5, atol=1e-6 * scale)


def test_int8_weights_among_floats_are_decoded(samples, real_data):
    features, labels = samples
    model = load_tflite(real_data(files.FLOAT_MODELS["kws"][0]))
    int8 = load_tflite(real_data(files.INT8_MODELS["kws"][0]))
    (port,) = int8.inputs
    out = model(tt.tensor((features.astype("f") - port.zero_point) * np.float32(port.scale))).numpy()
    assert (out.argmax(1) == labels).mean() >= 0.9


def test_a_model_is_saved_and_made_anew(real_data, tmp_path):
    model = load_tflite(real_data(files.INT8_MODELS["ic"][0]))
    x = tt.tensor(files.codes_for((3, 32, 32))[:4])
    tt.save(model.state_dict(), tmp_path / "ic.npz")
    fresh = type(model).from_structure(json.loads(json.dumps(model.structure())))
    fresh.load_state_dict(tt.load(tmp_path / "ic.npz"))
    np.testing.assert_array_equal(fresh.codes(x).numpy(), model.codes(x).numpy())
