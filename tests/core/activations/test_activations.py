"""What activations do beside what PyTorch's do too, which the oracle tests."""

import math

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import nn
from tinytorch.core.activations import erf
from tinytorch.nn import functional as F


@pytest.mark.parametrize("module", [nn.ReLU, nn.GELU, nn.SiLU, nn.Sigmoid, nn.Tanh, nn.ELU, nn.Softplus, nn.Hardswish])
def test_activation_keeps_shape_and_dtype(module):
    x = tt.randn(2, 3, dtype="float64")
    assert (module()(x).shape, module()(x).dtype) == ((2, 3), tt.float64)


@pytest.mark.parametrize("dtype", [tt.float32, tt.float64])
def test_the_error_function_of_nan_is_nan(dtype):
    assert erf(tt.tensor([math.nan], dtype=dtype)).isnan().all()
    assert erf(tt.tensor([math.inf, -math.inf, 30.0], dtype=dtype)).tolist() == [1.0, -1.0, 1.0]


def test_probabilities_sum_to_one():
    assert np.allclose(F.softmax(tt.randn(5, 7) * 50, 1).sum(1).numpy(), 1.0)


def test_softmax_takes_numpys_name_for_the_dimension():
    x = tt.randn(3, 4)
    assert tt.equal(F.softmax(x, axis=0), F.softmax(x, 0))


def test_a_row_of_minus_infinity_beside_numbers_gets_no_probability():
    x = tt.tensor([[0.0, -np.inf]])
    assert F.softmax(x, 1).tolist() == [[1.0, 0.0]]


IN_PLACE = [nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SiLU, nn.Hardswish, nn.Hardsigmoid]


@pytest.mark.parametrize("module", IN_PLACE)
def test_an_activation_in_place_writes_its_input_and_has_the_same_gradient(module):
    x = tt.randn(2, 30, requires_grad=True)
    (expected,) = tt.autograd.grad(module()(x).sum(), x)
    hidden = x * 1.0
    out = module(inplace=True)(hidden)
    assert out is hidden
    assert tt.equal(out, module()(x))
    assert tt.equal(tt.autograd.grad(out.sum(), x)[0], expected)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 3e-7), ("float64", 2e-16)])
def test_erf_is_right_to_the_last_places(dtype, tolerance):
    import math

    x = np.linspace(-6, 6, 2001)
    found = erf(tt.tensor(x.astype(dtype))).numpy()
    expected = [math.erf(each) for each in x.astype(dtype).astype(float)]
    assert np.abs(found - expected).max() <= tolerance * 2


def test_repr_shows_the_options():
    assert repr(nn.LeakyReLU(0.2)) == "LeakyReLU(negative_slope=0.2)"
    assert repr(nn.ELU(2.0, inplace=True)) == "ELU(alpha=2.0, inplace=True)"
    assert repr(nn.Softmax(1)) == "Softmax(dim=1)"
    assert repr(nn.GELU("tanh")) == "GELU(approximate='tanh')"


def test_an_infinite_gradient_passes_relu_only_where_it_is_open():
    inf, nan = float("inf"), float("nan")
    x = tt.tensor([1.0, -1.0, 0.0, nan], requires_grad=True)
    F.relu(x).backward(tt.full((4,), inf))
    assert x.grad.tolist() == [inf, 0.0, 0.0, inf]  # as in PyTorch, nan included


def test_sigmoid_keeps_its_digits_far_below_zero():
    x = np.array([-16.0, -20.0, -80.0, 20.0, -200.0, 200.0], np.float32)
    expected = 1.0 / (1.0 + np.exp(-x.astype(np.float64)))
    assert np.allclose(F.sigmoid(tt.tensor(x)).numpy(), expected, rtol=1e-6)
    assert np.allclose(F.silu(tt.tensor(x)).numpy(), x * expected, rtol=1e-6, atol=1e-40)
