"""Layers of codes: near their float layers, the same whether floats or codes go in, saved with their scales."""

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import nn
from tinytorch_quant.integer import QuantizedConv2d, QuantizedLinear, int8_dequantize, int8_quantize

IN = 1 / 32, 3


def float_layer(kind):
    tt.manual_seed(0)
    return nn.Linear(12, 5) if kind == "linear" else nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2)


def quantized(kind, relu=False):
    layer = float_layer(kind)
    made = QuantizedLinear if kind == "linear" else QuantizedConv2d
    return layer, made.from_float(layer, IN, (1 / 32, -7), relu=relu)


def input_of(kind):
    tt.manual_seed(1)
    return tt.randn(*((7, 12) if kind == "linear" else (2, 4, 9, 8)))


KINDS = pytest.mark.parametrize("kind", ["linear", "conv2d"])


@KINDS
@pytest.mark.parametrize("relu", [False, True])
def test_a_layer_is_within_its_rounding_of_the_float_layer(kind, relu):
    layer, codes = quantized(kind, relu)
    x = int8_dequantize(int8_quantize(input_of(kind), *IN), *IN)
    with tt.no_grad():
        expected = layer(x).relu() if relu else layer(x)
    weights = np.abs(layer.weight.detach().numpy()).max() / 127 / 2  # half a step each, times the inputs that they meet
    fan_in = layer.weight.detach().numpy()[0].size
    worst = weights * fan_in * np.abs(x.numpy()).max() + 1.5 / 32
    found = codes(x).numpy()
    assert np.abs(found - expected.numpy()).max() < worst
    assert np.abs(found - expected.numpy()).mean() < 1 / 32


@KINDS
def test_codes_give_codes(kind):
    _, layer = quantized(kind)
    x = input_of(kind)
    codes = layer(int8_quantize(x, *IN))
    assert codes.dtype == np.int8
    np.testing.assert_array_equal(int8_dequantize(codes, 1 / 32, -7).numpy(), layer(x).numpy())


@KINDS
def test_state_carries_over(kind):
    _, layer = quantized(kind)
    other = quantized(kind)[1]
    for buffer in other.buffers():
        buffer.array[...] = 0
    other.load_state_dict(layer.state_dict())
    np.testing.assert_array_equal(other(input_of(kind)).numpy(), layer(input_of(kind)).numpy())


def test_weights_of_zero_keep_their_bias():
    layer = nn.Linear(3, 2)
    with tt.no_grad():
        layer.weight.mul_(0.0)
        layer.bias.copy_(tt.tensor([1.0, -2.0]))
    made = QuantizedLinear.from_float(layer, IN, (1 / 32, -7))
    np.testing.assert_array_equal(made(tt.ones(1, 3)).numpy(), [[1.0, -2.0]])
