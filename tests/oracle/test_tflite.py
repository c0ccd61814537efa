"""Imported models beside LiteRT's reference kernels, live: every operator, every layer of models."""

import litert_for_tests as litert
import numpy as np
import pytest
import tflite_for_tests as files
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tinytorch as tt
from tinytorch_quant.tflite import load_tflite
from tinytorch_quant.tflite.layers import TRANSLATIONS
from tinytorch_quant.tflite.reading import read_graph

pytest.importorskip("ai_edge_litert", reason="needs LiteRT: pip install ai-edge-litert")
pytest.importorskip("tflite")

INT8 = pytest.mark.parametrize("name", files.INT8_MODELS)


@pytest.mark.parametrize("name", files.DRAWN)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_an_operator_alone_gives_the_same_bits(name, seed, tmp_path_factory):
    rng = np.random.default_rng(seed)
    file = files.DRAWN[name](rng)
    content, inputs = files.written(*file), files.inputs_of(file, rng)
    path = tmp_path_factory.getbasetemp() / f"{name}.tflite"
    path.write_bytes(content)
    found = load_tflite(path).codes(*map(tt.tensor, inputs)).numpy()
    np.testing.assert_array_equal(found, litert.answers(content, *inputs))


@INT8
def test_an_int8_model_gives_the_same_bits(name, real_data):
    file, shape = files.INT8_MODELS[name]
    path, x = real_data(file), files.codes_for(shape, seed=1)
    found = load_tflite(path).codes(tt.tensor(x)).numpy()
    np.testing.assert_array_equal(found, litert.answers(path.read_bytes(), x))


def test_the_official_keywords_give_the_same_bits(real_data):
    path = real_data(files.INT8_MODELS["kws"][0])
    with np.load(real_data("kws/kws01_samples.npz")) as samples:
        x = samples["features"][:, None]
    found = load_tflite(path).codes(tt.tensor(x)).numpy()
    np.testing.assert_array_equal(found, litert.answers(path.read_bytes(), x))


@INT8
def test_every_layer_holds_the_same_bits(name, real_data):
    file, shape = files.INT8_MODELS[name]
    path = real_data(file)
    graph, model = read_graph(path), load_tflite(path)
    places = {id(call.output): place for call, place in zip(graph.calls, outputs_in(path), strict=True)}
    for x in files.codes_for(shape, count=4)[:, None]:
        held = litert.every_tensor(path.read_bytes(), x)
        found = every_value(model, x)
        for call in graph.calls:
            if call.op in TRANSLATIONS and call.op != "RESHAPE":
                np.testing.assert_array_equal(found.pop(0), held[places[id(call.output)]])


def outputs_in(path):
    """The numbers of the tensors that the calls of a file give."""
    import tflite

    graph = tflite.Model.GetRootAs(path.read_bytes(), 0).Subgraphs(0)
    return [graph.Operators(i).Outputs(0) for i in range(graph.OperatorsLength())]


def every_value(model, x):
    """What the integer steps of a model give, in their order."""
    model.forgotten = [[] for _ in model.steps]
    last = model.output
    values = []
    for step in model.steps:
        if step.op.startswith("int8"):
            model.output = last._replace(name=step.out)
            values.append(model.codes(tt.tensor(x)).numpy())
    return values


@pytest.mark.parametrize("name", ["ic", "vww", "ad"])
def test_a_float_model_is_near(name, real_data):
    file, shape, largest = files.FLOAT_MODELS[name]
    path, x = real_data(file), files.floats_for(shape, largest, seed=1)
    found, expected = load_tflite(path)(tt.tensor(x)).numpy(), litert.answers(path.read_bytes(), x)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max())
