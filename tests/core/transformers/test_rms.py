"""RMSNorm: what comes out has a mean square of 1."""

import numpy as np

import tinytorch as tt
import tinytorch.nn.functional as F
from tinytorch import nn


def test_the_mean_square_becomes_one(rng):
    x = tt.tensor(rng.standard_normal((3, 4, 50)) * 7)
    out = nn.RMSNorm(50, eps=0.0).double()(x).detach().numpy()
    assert np.allclose((out * out).mean(-1), 1.0)


def test_scaling_the_input_changes_nothing_but_the_gradient(rng):
    x = tt.tensor(rng.standard_normal((2, 6)), requires_grad=True)
    assert np.allclose(F.rms_norm(x, (6,), eps=0.0).detach().numpy(), F.rms_norm(x * 9, (6,), eps=0.0).detach().numpy())
    F.rms_norm(x, (6,), eps=0.0).square().sum().backward()
    assert np.abs(x.grad.numpy()).max() < 1e-12  # the sum of squares is always the same


def test_rows_of_zeros_stay_zeros_without_nan():
    x = tt.zeros(2, 3, requires_grad=True)
    out = F.rms_norm(x, (3,))
    out.sum().backward()
    assert not out.detach().numpy().any()
    assert np.isfinite(x.grad.numpy()).all()
