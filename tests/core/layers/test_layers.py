"""What layers do beside what PyTorch's do too, which the oracle tests."""

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import nn
from tinytorch.nn import functional as F


def test_dropout_zeroes_a_share_and_scales_the_rest():
    out = F.dropout(tt.ones(200, 500), 0.3).numpy()
    assert abs((out == 0).mean() - 0.3) < 0.01
    assert np.allclose(out[out != 0], 1 / 0.7)


def test_dropout_drops_otherwise_each_time_and_the_same_by_seed():
    first, second = (F.dropout(tt.ones(50)).tolist() for _ in range(2))
    tt.manual_seed(0)
    assert first != second
    assert F.dropout(tt.ones(50)).tolist() == first


def test_dropout_passes_the_gradient_where_it_passes_the_value():
    x = tt.ones(100, requires_grad=True)
    out = F.dropout(x, 0.5)
    out.sum().backward()
    assert np.array_equal(x.grad.numpy(), out.detach().numpy())


def test_dropout_does_nothing_in_evaluation():
    x = tt.ones(5)
    assert nn.Dropout(0.9).eval()(x) is x


def test_batch_norm_brings_each_feature_to_mean_zero_and_variance_one():
    out = nn.BatchNorm1d(3)(tt.randn(1000, 3) * 5 + 2).detach().numpy()
    assert np.abs(out.mean(0)).max() < 1e-5
    assert np.abs(out.var(0) - 1).max() < 1e-3


def test_batch_norm_approaches_the_datas_averages():
    norm = nn.BatchNorm1d(1, momentum=None)
    for _ in range(10):
        norm(tt.randn(500, 1) * 3 + 4)
    assert norm.running_mean.item() == pytest.approx(4.0, abs=0.2)
    assert norm.running_var.item() == pytest.approx(9.0, abs=0.5)
    assert norm.num_batches_tracked.item() == 10


def test_evaluation_leaves_the_averages_alone():
    norm = nn.BatchNorm1d(2).eval()
    norm(tt.randn(4, 2))
    assert norm.running_mean.tolist() == [0.0, 0.0]
    assert norm.num_batches_tracked.item() == 0


def test_the_padding_row_starts_at_zero_and_stays():
    table = nn.Embedding(4, 2, padding_idx=-1)
    table(tt.tensor([3, 0, 3])).sum().backward()
    assert table.weight[3].tolist() == [0.0, 0.0]
    assert table.weight.grad.tolist() == [[1.0, 1.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]


def test_a_row_looked_up_twice_gets_both_gradients():
    table = nn.Embedding(3, 1)
    table(tt.tensor([1, 1, 2])).sum().backward()
    assert table.weight.grad.tolist() == [[0.0], [2.0], [1.0]]


def test_identity_takes_anything_and_gives_its_input():
    x = tt.ones(2)
    assert nn.Identity(3, some="thing")(x) is x


def test_a_linear_layer_without_features_gives_its_bias():
    layer = nn.Linear(0, 2)
    assert layer(tt.ones(3, 0)).shape == (3, 2)


def test_batch_norm_of_halves_computes_in_float32(rng):
    x = (rng.standard_normal((300, 2, 110, 2)) * 300).astype(np.float16)
    wide, half = tt.tensor(x.astype(np.float32)).requires_grad_(), tt.tensor(x).requires_grad_()
    outs = [nn.functional.batch_norm(each, None, None, training=True) for each in (wide, half)]
    np.testing.assert_allclose(outs[1].detach().numpy(), outs[0].detach().numpy(), rtol=1e-3, atol=1e-3)
    for out in outs:
        (out * out * out).sum().backward()
    np.testing.assert_allclose(half.grad.numpy(), wide.grad.numpy(), rtol=0.01, atol=3e-4)


@pytest.mark.parametrize("eps", [1e-5, 0.0])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_row_alone_is_normalized_as_among_others(dtype, eps):
    x = tt.randn(3, 2, 8).to(dtype)
    x.array[1] = 0.25  # all alike: with eps 0 nothing is left to divide by
    layer = nn.LayerNorm((2, 8), eps=eps).to(dtype)
    layer.weight.data, layer.bias.data = tt.randn(2, 8).to(dtype), tt.randn(2, 8).to(dtype)
    near = {"float16": 2e-3, "float32": 1e-5, "float64": 1e-12}[dtype]
    with tt.no_grad():
        found, expected = tt.cat([layer(row[None]) for row in x]), layer(x)
    assert np.allclose(found.numpy(), expected.numpy(), rtol=near, atol=near, equal_nan=True)
