"""Initial weights have PyTorch's distributions."""

import math

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import nn
from tinytorch.nn import init

UNIFORM = [
    (lambda w: init.uniform_(w, -2.0, 3.0), -2.0, 3.0),
    (init.xavier_uniform_, -math.sqrt(6 / 500), math.sqrt(6 / 500)),
    (lambda w: init.xavier_uniform_(w, gain=2.0), -2 * math.sqrt(6 / 500), 2 * math.sqrt(6 / 500)),
    (init.kaiming_uniform_, -math.sqrt(6 / 200), math.sqrt(6 / 200)),
    (lambda w: init.kaiming_uniform_(w, a=math.sqrt(5)), -1 / math.sqrt(200), 1 / math.sqrt(200)),
    (lambda w: init.kaiming_uniform_(w, mode="fan_out", nonlinearity="relu"), -math.sqrt(6 / 300), math.sqrt(6 / 300)),
]
NORMAL = [
    (lambda w: init.normal_(w, 1.0, 0.5), 1.0, 0.5),
    (init.xavier_normal_, 0.0, math.sqrt(2 / 500)),
    (init.kaiming_normal_, 0.0, math.sqrt(2 / 200)),
    (lambda w: init.kaiming_normal_(w, mode="fan_out", nonlinearity="tanh"), 0.0, 5 / 3 / math.sqrt(300)),
]


@pytest.mark.parametrize(("fill", "low", "high"), UNIFORM)
def test_uniform_within_its_bounds(fill, low, high):
    drawn = fill(tt.empty(300, 200)).numpy()
    assert low <= drawn.min() < low + 0.001 * (high - low)
    assert high - 0.001 * (high - low) < drawn.max() <= high
    assert drawn.mean() == pytest.approx((low + high) / 2, abs=0.01 * (high - low))


@pytest.mark.parametrize(("fill", "mean", "std"), NORMAL)
def test_normal_with_its_spread(fill, mean, std):
    drawn = fill(tt.empty(300, 200)).numpy()
    assert drawn.mean() == pytest.approx(mean, abs=0.02 * std)
    assert drawn.std() == pytest.approx(std, rel=0.01)
    assert np.abs(drawn - mean).max() > 3.5 * std


def test_truncated_normal_stays_within():
    drawn = init.trunc_normal_(tt.empty(300, 200), std=1.0, a=-1.0, b=2.0).numpy()
    assert -1.0 <= drawn.min() < -0.99
    assert 1.9 < drawn.max() <= 2.0


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (4, 3, 2)])
def test_orthogonal_rows_or_columns(shape):
    drawn = init.orthogonal_(tt.empty(*shape), gain=2.0).numpy().reshape(shape[0], -1)
    small = drawn @ drawn.T if drawn.shape[0] <= drawn.shape[1] else drawn.T @ drawn
    assert np.allclose(small, 4 * np.eye(len(small)), atol=1e-5)


def test_constants_and_the_identity():
    assert init.constant_(tt.empty(2), 0.3).tolist() == tt.tensor([0.3, 0.3]).tolist()
    assert init.zeros_(tt.empty(2)).tolist() == [0.0, 0.0]
    assert init.ones_(tt.empty(2)).tolist() == [1.0, 1.0]
    assert init.eye_(tt.empty(2, 3)).tolist() == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]


def test_linear_layers_begin_within_the_bound_of_their_fan():
    layer = nn.Linear(100, 300)
    for parameter in (layer.weight, layer.bias):
        assert 0.09 < np.abs(parameter.detach().numpy()).max() <= 0.1


def test_embeddings_begin_normal():
    drawn = nn.Embedding(300, 200).weight.detach().numpy()
    assert drawn.std() == pytest.approx(1.0, rel=0.01)


def test_filling_a_parameter_records_nothing():
    layer = nn.Linear(2, 2)
    assert init.ones_(layer.weight) is layer.weight
    assert layer.weight.is_leaf


@pytest.mark.parametrize("name", ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"])
def test_every_gain_is_positive(name):
    assert init.calculate_gain(name) > 0
