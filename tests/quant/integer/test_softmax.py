"""Softmax in whole numbers: near the real one, and its table is gemmlowp's exp."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytorch_quant.integer import int8_softmax, softmax_table

SCALES = st.floats(2.0**-12, 1.0)


@given(SCALES, st.floats(0.25, 2.0))
def test_the_table_holds_exponentials(scale, beta):
    exponents = -np.float64(np.float32(scale)) * np.float64(np.float32(beta)) * np.arange(256)
    found = softmax_table(scale, beta) / 2.0**31
    np.testing.assert_allclose(found, np.exp(exponents), rtol=0, atol=2.0**-22)  # the series', and what is cut off


def test_constants_are_gemmlowps():
    named = [1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242]
    assert [round(np.exp(-(2.0**power)) * 2**31) for power in range(-2, 5)] == named


@given(SCALES, st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_probabilities_are_within_half_a_code(scale, count, seed):
    x = np.random.default_rng(seed).integers(-128, 128, (5, count)).astype(np.int8)
    weights = np.exp(np.float32(scale) * (x.astype(np.float64) - x.max(axis=1, keepdims=True)))
    expected = np.minimum(256.0 * weights / weights.sum(axis=1, keepdims=True), 255.0)
    found = int8_softmax.kernel(x, softmax_table(scale)).astype(np.float64) + 128.0
    assert np.abs(found - expected).max() < 0.501


def test_hundreds_of_equal_scores_are_next_to_nothing_each():
    out = int8_softmax.kernel(np.zeros((1, 5000), np.int8), softmax_table(0.1))
    assert (out == -128).all()


@pytest.mark.parametrize("scale", [0.0, -1.0, 1e-9, float("nan")])
def test_a_scale_without_exponentials_is_refused(scale):
    with pytest.raises(ValueError, match=r"softmax_table: expected a scale above 2\*\*-26, got"):
        softmax_table(scale)
