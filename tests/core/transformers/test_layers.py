"""Encoder and decoder layers: what holds for them whatever their weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinytorch as tt
from tinytorch import nn

SIZES = st.tuples(*[st.integers(1, 3)] * 3)  # batch, layers, heads


def stack(kind, layers, heads, **options):
    layer = getattr(nn, f"Transformer{kind}Layer")(4 * heads, heads, 10, 0.0, batch_first=True, **options)
    made = getattr(nn, f"Transformer{kind}")(layer, layers, nn.LayerNorm(4 * heads)).double()
    with tt.no_grad():
        for parameter in made.parameters():
            parameter.add_(tt.randn(*parameter.shape) * 0.3)
    return made


@given(st.integers(0, 10_000), SIZES, st.integers(1, 7), st.booleans())
@settings(max_examples=40, deadline=None)
def test_an_encoder_without_positions_does_not_see_the_order(seed, sizes, time, norm_first):
    tt.manual_seed(seed)
    (batch, layers, heads), rng = sizes, np.random.default_rng(seed)
    encoder = stack("Encoder", layers, heads, norm_first=norm_first)
    x, order = rng.standard_normal((batch, time, 4 * heads)), rng.permutation(time)
    padding = rng.random((batch, time)) < 0.3
    found = encoder(tt.tensor(x[:, order]), None, tt.tensor(padding[:, order]))
    expected = encoder(tt.tensor(x), None, tt.tensor(padding))
    assert np.allclose(found.detach().numpy(), expected.detach().numpy()[:, order], atol=1e-11)


@pytest.mark.parametrize("kind", ["Encoder", "Decoder"])
@given(seed=st.integers(0, 10_000), sizes=SIZES, time=st.integers(1, 5), padding=st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_what_stands_in_padded_places_changes_no_other_output(kind, seed, sizes, time, padding):
    tt.manual_seed(seed)
    batch, layers, heads = sizes
    net, x = stack(kind, layers, heads), tt.randn(batch, time, 4 * heads).double()
    padded = tt.cat([x, tt.randn(batch, padding, 4 * heads).double() * 10], 1)
    hidden = (tt.arange(time + padding) >= time).expand(batch, -1)
    if kind == "Encoder":
        found, expected = net(padded, None, hidden), net(x)
    else:
        found, expected = net(padded, padded, None, None, hidden, hidden), net(x, x)
    assert np.allclose(found[:, :time].detach().numpy(), expected.detach().numpy(), atol=1e-11)


@given(st.integers(0, 10_000), SIZES, st.integers(1, 7), st.booleans())
@settings(max_examples=40, deadline=None)
def test_a_decoder_does_not_see_the_order_of_its_memory(seed, sizes, keys, norm_first):
    tt.manual_seed(seed)
    (batch, layers, heads), rng = sizes, np.random.default_rng(seed)
    decoder = stack("Decoder", layers, heads, norm_first=norm_first)
    x, memory = (tt.tensor(rng.standard_normal((batch, n, 4 * heads))) for n in (3, keys))
    one, other = decoder(x, memory), decoder(x, memory[:, rng.permutation(keys).tolist()])
    assert np.allclose(one.detach().numpy(), other.detach().numpy(), atol=1e-11)


@pytest.mark.parametrize("kind", ["Encoder", "Decoder"])
@given(seed=st.integers(0, 10_000), sizes=SIZES, before=st.integers(1, 4), after=st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_with_a_causal_mask_a_later_token_changes_no_earlier_output(kind, seed, sizes, before, after):
    tt.manual_seed(seed)
    (batch, layers, heads), rng = sizes, np.random.default_rng(seed)
    net = stack(kind, layers, heads)
    x, memory = (rng.standard_normal((batch, before + after, 4 * heads)) for _ in range(2))
    changed = np.concatenate([x[:, :before], rng.standard_normal((batch, after, 4 * heads))], axis=1)
    later = tt.ones(before + after, before + after).triu(1).bool()
    more = [tt.tensor(memory)] if kind == "Decoder" else []
    one, other = (net(tt.tensor(each), *more, later).detach().numpy() for each in (x, changed))
    assert np.allclose(one[:, :before], other[:, :before], atol=1e-12)
    assert np.abs(one[:, before:] - other[:, before:]).max() > 1e-4
