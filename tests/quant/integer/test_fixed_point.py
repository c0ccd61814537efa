"""Real multipliers as fixed point, and products of whole numbers with them."""

from fractions import Fraction

import numpy as np
import plain_integers as plain
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytorch_quant.integer import multiply_double_rounding, multiply_single_rounding, quantize_multiplier

INT32 = st.integers(-(2**31), 2**31 - 1) | st.sampled_from([-(2**31), 2**31 - 1, 0, 1, -1])
MANTISSA = st.integers(2**30, 2**31 - 1) | st.sampled_from([0, 2**30, 2**31 - 1])
SHIFT = st.integers(-31, 30)


@given(st.floats(2.0**-32, 2.0**29))
def test_a_multiplier_is_kept_to_31_bits(real):
    mantissa, shift = quantize_multiplier(real)
    assert 2**30 <= mantissa < 2**31
    kept = Fraction(int(mantissa)) * Fraction(2) ** (int(shift) - 31)
    assert abs(kept - Fraction(real)) <= Fraction(real) / 2**31


def test_rounding_up_to_a_power_of_two_carries_into_the_shift():
    mantissa, shift = quantize_multiplier([1.0 - 2.0**-40, 1.0, 0.5, 0.0, 2.0**-33])
    assert mantissa.tolist() == [2**30, 2**30, 2**30, 0, 0]
    assert shift.tolist() == [1, 1, 0, 0, 0]
    assert (mantissa.dtype, shift.dtype) == (np.int32, np.int8)


@pytest.mark.parametrize("wrong", [-1.0, float("nan"), float("inf"), 2.0**30])
def test_a_multiplier_that_is_none_is_refused(wrong):
    with pytest.raises(ValueError) as caught:
        quantize_multiplier(wrong)
    assert str(caught.value) == f"quantize_multiplier: expected numbers from 0 to 2**30, got {wrong}"


@given(INT32, MANTISSA, SHIFT)
def test_double_rounding_is_gemmlowps(x, mantissa, shift):
    found = multiply_double_rounding(np.array([x], np.int32), mantissa, shift)
    assert found.tolist() == [plain.double_rounding(x, mantissa, shift)]


@given(INT32, MANTISSA, SHIFT)
def test_single_rounding_is_that_of_the_exact_product(x, mantissa, shift):
    found = multiply_single_rounding(np.array([x], np.int32), mantissa, shift)
    assert found.tolist() == [plain.single_rounding(x, mantissa, shift)]


@given(st.lists(st.tuples(INT32, MANTISSA, SHIFT), min_size=1))
def test_each_channel_has_a_multiplier_of_its_own(numbers):
    x, mantissa, shift = (np.array(each, np.int64) for each in zip(*numbers, strict=True))
    for function in (multiply_double_rounding, multiply_single_rounding):
        together = function(x[None], mantissa, shift)[0].tolist()
        assert together == [int(function(np.array(a), m, s)) for a, m, s in numbers]
