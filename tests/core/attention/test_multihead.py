"""MultiheadAttention: PyTorch's parameters and answers, but for queries that see nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinytorch as tt
from tinytorch import nn


def test_parameters_have_pytorchs_names():
    assert list(nn.MultiheadAttention(4, 2).state_dict()) == [
        *("in_proj_weight", "in_proj_bias"),
        *("out_proj.weight", "out_proj.bias"),
    ]
    assert "k_proj_weight" in nn.MultiheadAttention(4, 2, kdim=3).state_dict()


@pytest.mark.parametrize("need_weights", [True, False])
def test_a_sequence_that_is_all_padding_gives_no_nan(need_weights):
    layer, x = nn.MultiheadAttention(4, 2, batch_first=True), tt.randn(2, 3, 4)
    padding = tt.tensor([[True] * 3, [False] * 3])
    out, _ = layer(x, x, x, padding, need_weights=need_weights)
    assert np.allclose(out[0].detach().numpy(), layer.out_proj.bias.detach().numpy())
    out.sum().backward()
    assert all(np.isfinite(parameter.grad.numpy()).all() for parameter in layer.parameters())


@pytest.mark.parametrize("need_weights", [True, False])
@given(st.integers(0, 10_000), st.tuples(*[st.integers(1, 5)] * 4))
@settings(max_examples=30, deadline=None)
def test_padded_keys_change_no_answer_and_get_no_weight(need_weights, seed, sizes):
    heads, time, keys, padding = sizes
    tt.manual_seed(seed)
    layer = nn.MultiheadAttention(2 * heads, heads, batch_first=True, add_zero_attn=bool(seed % 2)).double()
    x, y, more = (tt.randn(2, n, 2 * heads).double() for n in (time, keys, padding))
    padded, hidden = tt.cat([y, more * 100], 1).requires_grad_(), (tt.arange(keys + padding) >= keys).expand(2, -1)
    expected, _ = layer(x, y, y)
    found, weights = layer(x, padded, padded, hidden, need_weights)
    assert np.allclose(found.detach().numpy(), expected.detach().numpy(), atol=1e-12)
    assert weights is None or not weights[:, :, keys : keys + padding].detach().numpy().any()
    found.sum().backward()
    assert not padded.grad[:, keys:].numpy().any()


def test_weights_do_not_change_the_output():
    layer, x = nn.MultiheadAttention(6, 3), tt.randn(5, 2, 6)
    with_weights, weights = layer(x, x, x)
    without, nothing = layer(x, x, x, need_weights=False)
    assert nothing is None
    assert weights.shape == (2, 5, 5)
    assert np.allclose(weights.sum(-1).detach().numpy(), 1.0, atol=1e-6)
    assert np.allclose(with_weights.detach().numpy(), without.detach().numpy(), atol=1e-6)


def test_dropout_is_for_training():
    layer, x = nn.MultiheadAttention(4, 2, dropout=0.5), tt.randn(5, 2, 4)
    assert not np.array_equal(layer(x, x, x)[0].detach().numpy(), layer(x, x, x)[0].detach().numpy())
    layer.eval()
    assert np.array_equal(layer(x, x, x)[0].detach().numpy(), layer(x, x, x)[0].detach().numpy())
