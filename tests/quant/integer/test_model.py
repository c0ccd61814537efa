"""IntegerModel: lists of steps that are run, saved, made anew, and refused where they make no sense."""

import copy
import json

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.plugins import PluginError
from tinytorch_quant import integer
from tinytorch_quant.integer import IntegerModel, Port, Step, Stored, Value

WINDOW = (1, 1), ((1, 1), (1, 1)), (1, 1), 1
IN, MIDDLE, OUT = (0.02, -3), (0.05, -128), (0.1, 5)


def layer(rng, shape, input, output, multiplier):
    weight, bias = rng.standard_normal(shape).astype("f"), rng.standard_normal(shape[0]).astype("f")
    scales = integer.weight_scales(weight, bias, input, output)
    return integer.layer_constants(weight, bias, scales, input, output, multiplier)


def stored(name):
    return [Stored(f"{name}.{part}") for part in ("weight", "bias", "mantissa", "shift")]


def made(seed=0):
    """A convolution, itself added to its input, and a linear layer."""
    rng = np.random.default_rng(seed)
    constants = {
        "body.conv": layer(rng, (2, 2, 3, 3), IN, MIDDLE, integer.conv2d_multiplier),
        "head": layer(rng, (3, 32), OUT, OUT, integer.linear_multiplier),
    }
    added = integer.add_constants(IN, MIDDLE, OUT[0])
    steps = [
        Step("int8_conv2d", (Value("x"), *stored("body.conv"), *WINDOW, IN[1], MIDDLE[1], -128, 127), "conv"),
        Step("int8_add", (Value("x"), Value("conv"), *added, OUT[1], -128, 127), "sum"),
        Step("reshape_to", (Value("sum"), (-1, 32)), "flat"),
        Step("int8_linear", (Value("flat"), *stored("head"), OUT[1], -128, 127), "scores"),
    ]
    tensors = {f"{name}.{part}": array for name, parts in constants.items() for part, array in parts.items()}
    return IntegerModel([Port("x", *IN)], steps, Port("scores", *OUT), tensors)


def images(seed=1):
    return tt.tensor(np.random.default_rng(seed).standard_normal((3, 2, 4, 4)).astype("f"))


def test_floats_and_codes_go_in_and_both_come_out():
    model, x = made(), images()
    codes = model.codes(x)
    assert (codes.dtype, codes.shape) == (np.int8, (3, 3))
    again = model.codes(integer.int8_quantize(x, *IN))
    np.testing.assert_array_equal(again.numpy(), codes.numpy())
    np.testing.assert_array_equal(model(x).numpy(), (codes.numpy().astype("f") - OUT[1]) * np.float32(OUT[0]))


def test_layers_keep_their_names_in_the_state():
    names = [f"body.conv.{part}" for part in ("weight", "bias", "mantissa", "shift")]
    assert [*made().state_dict()][:5] == [*names, "head.weight"]


def test_weights_lie_channels_last():
    weight = made().body.conv.weight.array
    assert weight.shape == (2, 2, 3, 3)
    assert weight.transpose(0, 2, 3, 1).flags.c_contiguous


def test_a_model_is_made_anew_from_json_and_loads_its_state(tmp_path):
    model, x = made(), images()
    tt.save(model.state_dict(), tmp_path / "state.npz")
    fresh = IntegerModel.from_structure(json.loads(json.dumps(model.structure())))
    assert not fresh.body.conv.weight.array.any()
    fresh.load_state_dict(tt.load(tmp_path / "state.npz"))
    np.testing.assert_array_equal(fresh(x).numpy(), model(x).numpy())
    assert fresh.structure() == model.structure()
    assert fresh.body.conv.weight.array.strides == model.body.conv.weight.array.strides


def test_a_copy_has_tensors_of_its_own():
    model, x = made(), images()
    before, other = model(x).numpy(), copy.deepcopy(model)
    other.head.weight.array[:] = 0
    np.testing.assert_array_equal(model(x).numpy(), before)
    assert (other(x).numpy() != before).any()


def test_values_are_forgotten_after_their_last_use():
    assert made().forgotten == [[], ["x", "conv"], ["sum"], ["flat"]]


def test_lists_of_values_and_dtypes_survive_json():
    steps = [
        Step("cast", (Value("x"), np.dtype("float64")), "wide"),
        Step("concatenate", ([Value("wide"), Value("wide")], 1), "both"),
    ]
    model = IntegerModel([Port("x")], steps, Port("both"), {})
    again = IntegerModel.from_structure(json.loads(json.dumps(model.structure())))
    assert again.steps == model.steps
    assert again(tt.ones(1, 2)).numpy().tolist() == [[1.0] * 4]
    assert again.codes(tt.ones(1, 2)).dtype == np.float64


def test_a_model_shows_its_steps():
    assert repr(made()).splitlines() == [
        "IntegerModel(x) -> scores",
        "  conv = int8_conv2d(x)",
        "  sum = int8_add(x, conv)",
        "  flat = reshape_to(sum)",
        "  scores = int8_linear(flat)",
    ]


X = Port("x")
WRONG = {
    "IntegerModel: step 'y' gives relu 2 arguments, it takes x": ([Step("relu", (Value("x"), 1), "y")], "y"),
    "IntegerModel: step 'y' takes 'z', which nothing before it gives": ([Step("relu", (Value("z"),), "y")], "y"),
    "IntegerModel: step 'y' takes 'w', which nothing before it gives": ([Step("relu", (Stored("w"),), "y")], "y"),
    "IntegerModel: two steps give 'x'": ([Step("relu", (Value("x"),), "x")], "x"),
    "IntegerModel: no step gives the output 'y'": ([], "y"),
    "IntegerModel: 'sgd_step' writes its arguments and cannot be a step": ([Step("sgd_step", (), "y")], "y"),
}


@pytest.mark.parametrize("sentence", WRONG)
def test_steps_that_make_no_sense_are_refused(sentence):
    steps, output = WRONG[sentence]
    with pytest.raises(ValueError) as caught:
        IntegerModel([X], steps, Port(output), {})
    assert str(caught.value) == sentence


def test_an_op_that_nobody_declared_is_refused():
    with pytest.raises(PluginError, match="'int8_lineal' is not an op; did you mean 'int8_linear'"):
        IntegerModel([X], [Step("int8_lineal", (), "y")], Port("y"), {})


PORT = {"name": "x", "scale": None, "zero_point": 0}
HOSTILE = {
    "nothing": {},
    "an input without a name": {"inputs": [{}]},
    "a scale that is text": {"inputs": [PORT | {"scale": "1"}]},
    "a scale of nothing": {"inputs": [PORT | {"scale": 0.0}]},
    "a zero point beyond int8": {"output": PORT | {"zero_point": 200}},
    "an argument of another kind": {"steps": [{"op": "relu", "args": [{"file": "x"}], "out": "y"}]},
    "an argument of two kinds": {"steps": [{"op": "relu", "args": [{"value": "x", "stored": "y"}], "out": "y"}]},
    "steps that are a number": {"steps": 3},
    "a dtype that holds objects": {"tensors": {"w": {"dtype": "object", "shape": [1]}}},
    "a tensor larger than any memory": {"tensors": {"w": {"dtype": "int8", "shape": [1 << 60]}}},
    "a negative size": {"tensors": {"w": {"dtype": "int8", "shape": [-1]}}},
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_no_structure_is_refused(what):
    sound = {"inputs": [PORT], "steps": [], "output": PORT, "tensors": {}}
    IntegerModel.from_structure(sound)
    with pytest.raises(ValueError) as caught:
        IntegerModel.from_structure(sound | HOSTILE[what] if HOSTILE[what] else None)
    assert str(caught.value).startswith("IntegerModel: expected inputs, steps, output and tensors, got ")


def test_other_inputs_are_refused():
    with pytest.raises(TypeError, match="expected 1 inputs, got 2"):
        made()(images(), images())
    with pytest.raises(TypeError, match="expected a Tensor as input 'x', got ndarray"):
        made()(images().numpy())
