"""First and second derivatives of the activations, against finite differences."""

import math

import pytest

import tinytorch as tt
from tinytorch.nn import functional as F
from tinytorch.testing import check_gradient, draw

SMOOTH = {
    "gelu": F.gelu,
    "gelu by tanh": lambda x: F.gelu(x, "tanh"),
    "silu": F.silu,
    "sigmoid": F.sigmoid,
    "tanh": F.tanh,
    "softplus": lambda x: F.softplus(x, beta=1.5),
    "logsigmoid": F.logsigmoid,
    "softmax of the rows": lambda x: F.softmax(x, -1),
    "softmax of the columns": lambda x: F.softmax(x, 0),
    "log_softmax": lambda x: F.log_softmax(x, -1),
}
BENT = {
    "relu": F.relu,
    "relu6": lambda x: F.relu6(x * 3),
    "leaky_relu": lambda x: F.leaky_relu(x, 0.2),
    "elu": lambda x: F.elu(x, 1.3),
    "hardsigmoid": F.hardsigmoid,
    "hardswish": F.hardswish,
}


@pytest.mark.parametrize("name", SMOOTH)
def test_smooth_activation_twice(rng, name):
    check_gradient(SMOOTH[name], [rng.standard_normal((3, 4)) * 2], order=2, name=name)


@pytest.mark.parametrize("name", BENT)
def test_bent_activation_twice(rng, name):
    away_from_kinks = draw.apart(rng, (5, 6), "float64")
    check_gradient(BENT[name], [away_from_kinks], order=2, name=name)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "gelu", "silu", "softplus", "logsigmoid", "hardswish"])
def test_no_activation_overflows(name):
    import tinytorch as tt

    x = tt.tensor([-1e30, -1000.0, 0.0, 1000.0, 1e30], requires_grad=True)
    getattr(F, name)(x).sum().backward()
    assert all(math.isfinite(each) for each in x.grad.tolist())


@pytest.mark.parametrize(
    ("function", "slope", "curvature"), [(F.softplus, 0.5, 0.25), (F.logsigmoid, 0.5, -0.25)], ids=["softplus", "log"]
)
def test_derivatives_hold_at_zero_where_the_pieces_meet(function, slope, curvature):
    x = tt.zeros(1, requires_grad=True)
    (first,) = tt.autograd.grad(function(x).sum(), x, create_graph=True)
    (second,) = tt.autograd.grad(first.sum(), x)
    assert first.item() == slope
    assert second.item() == curvature
