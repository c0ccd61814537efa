"""The reference networks of MLPerf Tiny: their shapes, and what a real one answers."""

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import models, nn

INPUT_SCALE, ZERO_POINT = 0.5847029089927673, 83  # of the int8 model, by which the samples are quantized

SHAPES = {  # input, output, and the published number of parameters, which has batch norm folded into the layer before
    "ds_cnn": ((1, 49, 10), (12,), 22_604),
    "resnet8": ((3, 32, 32), (10,), 77_706),
    "mobilenet_v1": ((3, 96, 96), (2,), 210_850),
    "autoencoder": ((640,), (640,), 265_864),
}
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


@pytest.mark.parametrize("name", SHAPES)
def test_a_reference_network_has_its_published_size(name):
    before, after, published = SHAPES[name]
    model = getattr(models, name)()
    layers = [part for part in model.modules() if not isinstance(part, NORMS)]
    assert sum(each.numel() for part in layers for each in part.parameters(recurse=False)) == published
    assert model(tt.zeros(2, *before)).shape == (2, *after)


@pytest.mark.parametrize("name", SHAPES)
def test_every_parameter_of_a_reference_network_learns(name):
    model = getattr(models, name)()
    (model(tt.randn(2, *SHAPES[name][0])) ** 2).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def load_keras(model, weights):
    """Copy the variables of Keras' layers into those of ours that have any, in their order."""
    layers = [part for part in model.modules() if next(part.parameters(recurse=False), None) is not None]
    for number, layer in enumerate(layers):
        mine = {name.split("/")[1]: weights[name] for name in weights if name.split("/")[0] == str(number)}
        if isinstance(layer, NORMS):
            names = ("gamma", "beta", "moving_mean", "moving_variance")
            arrays = [mine[name] for name in names]
            tensors = [layer.weight, layer.bias, layer.running_mean, layer.running_var]
        else:
            kernel = mine["depthwise_kernel"].transpose(2, 3, 0, 1) if "depthwise_kernel" in mine else mine["kernel"]
            if "kernel" in mine:
                kernel = kernel.T if kernel.ndim == 2 else kernel.transpose(3, 2, 0, 1)
            arrays, tensors = [kernel, mine["bias"]], [layer.weight, layer.bias]
        for tensor, array in zip(tensors, arrays, strict=True):
            tensor.detach().copy_(tt.tensor(np.ascontiguousarray(array)))


def test_the_trained_keyword_spotter_knows_the_official_samples(real_data):
    model = models.ds_cnn()
    with np.load(real_data("kws/kws_ref_float32.npz")) as weights:
        load_keras(model, {name: weights[name] for name in weights.files if "OPTIMIZER" not in name})
    with np.load(real_data("kws/kws01_samples.npz")) as samples, tt.no_grad():
        features = (samples["features"].astype("float32") - ZERO_POINT) * INPUT_SCALE
        found = model.eval()(tt.tensor(features.reshape(-1, 1, 49, 10))).numpy().argmax(1)
        share = (found == samples["labels"].ravel()).mean()
    assert share > 0.9
