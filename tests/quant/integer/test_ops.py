"""The integer ops against the same in Python's whole numbers, on drawn shapes, layouts, windows and multipliers."""

from types import SimpleNamespace

import numpy as np
import plain_integers as plain
import pytest
from hypothesis import given
from hypothesis import strategies as st
from integer_cases_for_tests import INTEGER_CASES

import tinytorch as tt
from tinytorch import plugins
from tinytorch.plugins import exact, hookimpl, registry
from tinytorch.testing.case import as_tensors
from tinytorch_quant import integer

CASES = pytest.mark.parametrize("case", INTEGER_CASES, ids=str)


def drawn(case, seed):
    return case.sample(np.random.default_rng(seed), np.dtype("int8"))


@CASES
@given(seed=st.integers(0, 2**32 - 1))
def test_an_op_is_the_plain_computation(case, seed):
    arguments = drawn(case, seed)
    found = case.declared()(*[as_tensors(argument) for argument in arguments]).array
    expected = getattr(plain, case.op)(*arguments)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@CASES
def test_inputs_are_read_only_and_outputs_new(case):
    for seed in range(10):
        arguments = drawn(case, seed)
        arrays = [each for each in arguments if isinstance(each, np.ndarray)]
        for array in arrays:
            array.flags.writeable = False
        out = case.declared().kernel(*arguments)
        assert not any(np.shares_memory(out, array) for array in arrays)


def test_every_op_has_a_case():
    own = {name for name, op in registry.ops().items() if op.kernel.__module__.startswith("tinytorch_quant.integer")}
    assert own == {case.op for case in INTEGER_CASES}


def test_another_plugin_may_answer_without_importing_this_one():
    @hookimpl(optionalhook=True)
    @exact
    def int8_lookup(x, table):
        return np.full_like(x, 42) if x.size == 3 else None

    plugins.register(SimpleNamespace(int8_lookup=int8_lookup), "other")
    try:
        with plugins.using("other"):
            assert integer.int8_lookup(codes(3), codes(256)).numpy().tolist() == [42] * 3
            assert integer.int8_lookup(codes(2), codes(256)).numpy().tolist() == [0] * 2
    finally:
        plugins.unregister("other")


@pytest.mark.parametrize("terms", [1024, 1025, 5000])
def test_the_largest_sums_are_exact(terms):
    x, weight = np.full((1, terms), -128, np.int8), np.full((2, terms), -127, np.int8)
    weight[1, 0] = -126
    constants = integer.fold_zero_point(weight, None, 0), *integer.quantize_multiplier([2.0**-15] * 2)
    arguments = x, weight, *constants, 0, -128, 127
    np.testing.assert_array_equal(integer.int8_linear.kernel(*arguments), plain.int8_linear(*arguments))


def test_sums_are_taken_in_float32_only_where_every_order_is_exact():
    assert integer.products.sum_dtype(1024) == np.float32
    assert integer.products.sum_dtype(1025) == np.float64


def test_an_image_stays_channels_last():
    case = next(case for case in INTEGER_CASES if case.op == "int8_conv2d")
    out = case.declared().kernel(*drawn(case, 1))
    assert out.transpose(0, 2, 3, 1).flags.c_contiguous


def test_a_bias_that_overflows_the_sums_is_refused():
    with pytest.raises(ValueError) as caught:
        integer.fold_zero_point(np.ones((1, 4), np.int8), np.array([2**31 - 1]), 0)
    assert str(caught.value).startswith("fold_zero_point: sums of up to 2147484159 do not fit into int32")


def test_nan_becomes_the_lowest_code_without_a_warning():
    codes = integer.int8_quantize(tt.tensor([float("nan"), float("inf"), float("-inf"), 1e38]), 1e-3, 3)
    assert codes.numpy().tolist() == [-128, 127, -128, 127]


MISTAKES = {
    "int8_linear: expected an int8 tensor, got float32": lambda: integer.int8_linear(
        tt.zeros(1, 2), *[tt.zeros(1)] * 4, 0, -128, 127
    ),
    "int8_lookup: expected a table of 256 numbers of int8, got int8 (3,)": lambda: integer.int8_lookup(
        codes(2), codes(3)
    ),
    "int8_add: expected tensors of one shape, got (2,) and (3,)": lambda: integer.int8_add(
        codes(2), codes(3), (0, 1, 0), (0, 1, 0), 0, 0, 0, -128, 127
    ),
    "int8_add: expected units of a zero point, a mantissa and a shift of 0 or less, got (0, 1, 2)": (
        lambda: integer.int8_add(codes(2), codes(2), (0, 1, 0), (0, 1, 2), 0, 0, 0, -128, 127)
    ),
    "int8_add: expected units of a zero point, a mantissa and a shift of 0 or less, got (0, 1)": (
        lambda: integer.int8_add(codes(2), codes(2), (0, 1), (0, 1, 0), 0, 0, 0, -128, 127)
    ),
    "int8_max_pool2d: expected (batch, channels, height, width), got (2, 3)": lambda: integer.int8_max_pool2d(
        codes(2, 3), (1, 1), (1, 1), ((0, 0), (0, 0)), -128, 127
    ),
    "int8_avg_pool2d: expected padding narrower than the window (1, 1), got ((1, 0), (0, 0))": (
        lambda: integer.int8_avg_pool2d(codes(1, 1, 2, 2), (1, 1), (1, 1), ((1, 0), (0, 0)), -128, 127)
    ),
    "int8_softmax: expected scores along a last axis, got (2, 0)": lambda: integer.int8_softmax(
        codes(2, 0), tt.zeros(256, dtype="int32")
    ),
}


def codes(*shape):
    return tt.zeros(*shape, dtype="int8")


@pytest.mark.parametrize("sentence", MISTAKES)
def test_a_mistake_is_one_sentence(sentence):
    with pytest.raises((TypeError, ValueError)) as caught:
        MISTAKES[sentence]()
    assert str(caught.value) == sentence
