"""Equalization and bias correction: what the model computes stays, what rounding loses shrinks."""

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import models, nn
from tinytorch_quant import QuantConfig, correct_bias, equalize, fuse, quantize

BY_TENSOR = QuantConfig(granularity="tensor")


def uneven(seed):
    """A network whose channels differ a thousandfold in size, as batch norms leave them (Nagel et al. 2019)."""
    tt.manual_seed(seed)
    depthwise = nn.Conv2d(8, 8, 3, groups=8)
    parts = [nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), depthwise, nn.ReLU(), nn.Conv2d(8, 5, 1)]
    model = nn.Sequential(*parts, nn.Flatten(), nn.Linear(45, 4)).eval()
    sizes = np.float32(10.0) ** np.random.default_rng(seed).uniform(-1.5, 1.5, 8).astype(np.float32)
    for layer in (model[0], model[3]):
        layer.weight.array *= sizes[:, None, None, None]
        layer.bias.array *= sizes
    model[3].weight.array /= sizes[:, None, None, None]
    model[5].weight.array /= sizes[None, :, None, None]
    return model


def lost(model, config, x):
    with tt.no_grad():
        exact, found = model(x).numpy(), quantize(model, config, [x])(x).numpy()
    return np.square(found - exact).mean()


def test_equalizing_changes_nothing_but_ranges():
    for seed in range(3):
        model, x = uneven(seed), tt.randn(4, 3, 12, 12)
        fused = fuse(model, x)
        assert equalize(fused) == 2
        with tt.no_grad():
            np.testing.assert_allclose(fused(x).numpy(), model(x).numpy(), rtol=1e-3, atol=1e-4)


def test_equalized_layers_lose_less_with_one_scale():
    x = tt.randn(16, 3, 12, 12)
    losses = [
        [lost(uneven(seed), QuantConfig(granularity="tensor", equalize=on), x) for on in (False, True)]
        for seed in range(3)
    ]
    assert all(after < before / 4 for before, after in losses), losses


def test_residual_channels_are_left_alone():
    fused = fuse(models.resnet8().eval(), tt.randn(2, 3, 32, 32))
    assert equalize(fused) == 3  # the first convolution of each block, and the second; what goes around stays


def test_corrected_biases_take_the_mean_error_back():
    tt.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(2, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 3)).eval()
    x = tt.randn(32, 2, 10, 10).abs()
    errors = []
    for correct in (False, True):
        quantized = quantize(model, QuantConfig(bits=4, granularity="tensor", correct_bias=correct), [x])
        with tt.no_grad():
            errors.append(np.abs((quantized(x) - model(x)).mean((0, 2, 3)).numpy()).max())
    assert errors[1] < errors[0] / 4, errors


def test_a_layer_without_bias_gets_one():
    fused = fuse(nn.Sequential(nn.Linear(4, 3, bias=False)).eval(), tt.randn(2, 4))
    correct_bias(fused, {"0": QuantConfig(bits=4)}, [tt.randn(8, 4) + 1.0])
    assert fused.layers[0].bias.shape == (3,)


def test_norms_are_folded_before_they_are_equalized():
    fused = fuse(models.resnet8().eval(), tt.randn(2, 3, 32, 32), fold=False)
    with pytest.raises(ValueError, match="expected batch norms to be folded"):
        equalize(fused)
