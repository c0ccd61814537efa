"""Fusion: the list of layers computes what the model does, with norms folded and limits at their layers."""

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import models, nn
from tinytorch_quant import fuse
from tinytorch_quant.layers import Add, AvgPool, Convolution, Elementwise, Operation

SHAPES = {"digits_cnn": (1, 8, 8), "resnet8": (3, 32, 32), "ds_cnn": (1, 49, 10), "autoencoder": (640,)}
ROUNDING = {"rtol": 1e-3, "atol": 1e-4}  # folding sums in another order


def made(name):
    tt.manual_seed(0)
    model = getattr(models, name)()
    for part in model.modules():
        if isinstance(part, (nn.BatchNorm1d, nn.BatchNorm2d)):
            part.running_mean.array[:] = np.random.default_rng(1).standard_normal(part.num_features)
            part.running_var.array[:] = np.random.default_rng(2).uniform(0.5, 2.0, part.num_features)
            part.weight.array[:] = np.random.default_rng(3).uniform(-1.5, 1.5, part.num_features)
    return model.eval()


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("fold", [True, False])
def test_it_computes_what_the_model_does(name, fold):
    model, x = made(name), tt.randn(3, *SHAPES[name])
    before = {key: value.numpy().copy() for key, value in model.state_dict().items()}
    fused = fuse(model, x, fold=fold)
    with tt.no_grad():
        np.testing.assert_allclose(fused(x[:1]).numpy(), model(x[:1]).numpy(), **ROUNDING)
    assert all(np.array_equal(before[key], value.numpy()) for key, value in model.state_dict().items())


def test_norms_and_activations_belong_to_the_layers_before_them():
    fused = fuse(made("resnet8"), tt.randn(2, 3, 32, 32))
    kinds = [type(layer) for layer in fused.layers]
    assert (kinds.count(Convolution), kinds.count(Add), kinds.count(Operation)) == (9, 3, 0)
    assert all(layer.norm is None for _, _, layer in fused.weighted())
    limits = {name: layer.limits for name, layer in zip(fused.names, fused.layers, strict=True)}
    assert limits["0"] == limits["3.conv1"] == limits["3"] == (0.0, None)
    assert limits["3.conv2"] is None


def test_relu6_limits_and_other_activations_are_tables():
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU6(), nn.Hardswish(), nn.Linear(4, 4), nn.GELU(), nn.Sigmoid())
    fused = fuse(model.eval(), tt.randn(2, 4))
    assert fused.layers[0].limits == (0.0, 6.0)
    assert [type(layer) for layer in fused.layers][1:] == [Elementwise, type(fused.layers[0]), Elementwise, Elementwise]


def test_an_average_pool_is_one_layer():
    fused = fuse(nn.Sequential(nn.Conv2d(1, 2, 3), nn.AvgPool2d(2)).eval(), tt.randn(2, 1, 8, 8))
    assert [type(layer) for layer in fused.layers] == [Convolution, AvgPool]


def test_a_norm_whose_input_somebody_else_reads_stays_apart():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2)

        def forward(self, x):
            x = self.conv(x)
            return self.norm(x) + x

    model, x = Both().eval(), tt.randn(2, 1, 3, 3)
    fused = fuse(model, x)
    assert [type(layer) for layer in fused.layers] == [Convolution, Operation, Add]
    with tt.no_grad():
        np.testing.assert_allclose(fused(x).numpy(), model(x).numpy(), **ROUNDING)


class Branching(nn.Module):
    """Computes something else for one sample."""

    def forward(self, x):
        return x * 2.0 if x.shape[0] > 1 else x * 3.0


class Two(nn.Module):
    def forward(self, x):
        return x * 2.0, x * 3.0


@pytest.mark.parametrize(
    ("model", "x", "message"),
    [
        (Branching(), tt.ones(2, 3), "the model's trace depends on its input"),
        (Two(), tt.ones(2, 3), "expected a model of one input and one output"),
        (nn.Linear(3, 3), tt.ones(1, 3), "expected a batch of two inputs at least"),
        (nn.Linear(3, 3), [1.0], "expected a batch of two inputs at least as an example, got list"),
    ],
)
def test_what_is_no_list_of_layers_is_one_sentence(model, x, message):
    with pytest.raises(ValueError, match=message):
        fuse(model, x)
