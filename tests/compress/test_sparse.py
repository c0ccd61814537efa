"""Sparse layers give the answers of dense ones."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layers_for_tests import layer

import tinytorch as tt
from tinytorch import nn
from tinytorch_compress.counting import cost
from tinytorch_compress.sparse import SparseLinear, csr_linear

pytest.importorskip("scipy")


@settings(deadline=None)
@given(
    st.integers(0, 9),
    st.integers(1, 9),
    st.lists(st.integers(0, 4), max_size=2),
    st.booleans(),
    st.sampled_from([0.3, 1]),
)
def test_the_answers_are_those_of_the_dense_layer(into, out, batch, bias, share):
    dense = layer(into, out, share, bias)
    x = tt.randn(*batch, into)
    np.testing.assert_allclose(SparseLinear.of(dense)(x).numpy(), dense(x).detach().numpy(), rtol=1e-5, atol=1e-6)


def test_its_weight_can_be_read():
    dense = layer(7, 5, 0.6)
    np.testing.assert_array_equal(SparseLinear.of(dense).weight.numpy(), dense.weight.detach().numpy())


def test_float64_stays_float64():
    dense = layer(5, 4, 0.5).double()
    x = tt.randn(2, 5, dtype="float64")
    found = SparseLinear.of(dense)(x)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found.numpy(), dense(x).detach().numpy(), rtol=1e-12)


def test_it_computes_as_often_as_there_are_weights():
    sparse = SparseLinear.of(layer(8, 6, 0.5))
    counted = cost(nn.Sequential(sparse), tt.zeros(3, 8))
    assert (counted.macs, counted.unknown) == (3 * len(sparse.values), ())


def test_it_answers_but_does_not_learn():
    sparse = SparseLinear.of(layer(4, 3, 0.5))
    assert [*sparse.parameters()] == []
    x = tt.randn(2, 4, requires_grad=True)
    with pytest.raises(RuntimeError):
        sparse(x).sum().backward()
    with pytest.raises(ValueError, match=r"SparseLinear: expected \(\.\.\., 4\), got \(2, 5\)"):
        sparse(tt.zeros(2, 5))
    assert csr_linear.derivative is None


def test_without_scipy_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.sparse", None)
    with pytest.raises(ImportError, match=r"sparse execution needs scipy: pip install 'tinytorch-compress\[sparse\]'"):
        SparseLinear.of(layer(4, 3, 0.5))
