"""Trained models: MLPerf Tiny's keyword spotter, a digits network, the story teller; and how they are scored."""

import copy
import json
from itertools import islice

import numpy as np

import tinytorch as tt
from tinytorch import models, nn
from tinytorch.core.losses import cross_entropy
from tinytorch.core.optimizers import CosineAnnealingLR
from tinytorch.core.training import Trainer
from tinytorch.recipes import find, prepare
from tinytorch_quant import convert, prepare_qat

INPUT_SCALE, ZERO_POINT = 0.5847029089927673, 83  # of the int8 model, by which the samples are quantized


def digits(seed, epochs=8):
    """A run of the recipe digits-cnn, trained, and 100 of its training images as batches."""
    run = prepare(find("digits-cnn"), seed=seed, epochs=epochs)
    run.fit()
    run.trainer.model.eval()
    return run, [x[:25] for x, _ in islice(run.train_batches, 4)]


def learned(run, config, calibration):
    """The integer model of the run's, trained with rounding for 8 epochs from the calibrated ranges."""
    tt.manual_seed(run.settings.seed)
    model = prepare_qat(run.trainer.model, calibration[0], config, calibration)
    _fit(run, model)
    return convert(model)


def longer(run):
    """The float model, trained for as many epochs more, in the same way: what training alone would give."""
    tt.manual_seed(run.settings.seed)
    model = copy.deepcopy(run.trainer.model)
    _fit(run, model)
    return model.eval()


def _fit(run, model, epochs=8, lr=1e-3):
    optimizer = tt.optim.Adam(model.parameters(), lr=lr)
    scheduler = CosineAnnealingLR(optimizer, epochs)
    Trainer(model, optimizer, cross_entropy, scheduler=scheduler).fit(run.train_batches, epochs)


def accuracy_of(run, model):
    """The share of the 359 test images that a model knows."""
    with tt.no_grad():
        found = [(model(x).argmax(1) == y).numpy() for x, y in run.test_batches]
    return float(np.concatenate(found).mean())


def keyword_spotter(folder):
    """The float network with the reference's weights, the 1000 samples and their labels."""
    model = models.ds_cnn().eval()
    with np.load(folder / "kws_ref_float32.npz") as weights:
        layers = [part for part in model.modules() if next(part.parameters(recurse=False), None) is not None]
        names = [name for name in weights if "OPTIMIZER" not in name]
        for number, layer in enumerate(layers):
            _load(layer, {name.split("/")[1]: weights[name] for name in names if name.split("/")[0] == str(number)})
    with np.load(folder / "kws01_samples.npz") as samples:
        features = (samples["features"].astype(np.float32) - ZERO_POINT) * np.float32(INPUT_SCALE)
        return model, features.reshape(-1, 1, 49, 10), samples["labels"].ravel()


def _load(layer, mine):
    """Copy the variables of Keras' layer."""
    if isinstance(layer, nn.BatchNorm2d):
        arrays = [mine[name] for name in ("gamma", "beta", "moving_mean", "moving_variance")]
        tensors = [layer.weight, layer.bias, layer.running_mean, layer.running_var]
    elif "depthwise_kernel" in mine:
        arrays, tensors = [mine["depthwise_kernel"].transpose(2, 3, 0, 1), mine["bias"]], [layer.weight, layer.bias]
    else:
        kernel = mine["kernel"].T if mine["kernel"].ndim == 2 else mine["kernel"].transpose(3, 2, 0, 1)
        arrays, tensors = [kernel, mine["bias"]], [layer.weight, layer.bias]
    for tensor, array in zip(tensors, arrays, strict=True):
        tensor.detach().copy_(tt.tensor(np.ascontiguousarray(array)))


def known_keywords(model, features, labels):
    """The share of the samples that a model knows."""
    with tt.no_grad():
        found = [model(tt.tensor(features[at : at + 250])).numpy().argmax(1) for at in range(0, len(features), 250)]
    return float((np.concatenate(found) == labels).mean())


def stories(folder, rows=4, tokens=127):
    """The story teller, and texts that it wrote itself: drawn at temperature 1, and the reference's greedy one."""
    model = models.load_llama2c(folder / "stories260K.bin").eval()
    drawn = model.generate(tt.tensor([[1]] * rows), tokens, temperature=1.0, seed=0)
    greedy = tt.tensor([[1, *json.loads((folder / "greedy_ids.json").read_text())]])
    return model, drawn, greedy


def loss_of(model, texts):
    """The mean loss of the next token, in nats."""
    with tt.no_grad():
        return float(cross_entropy(model(texts[:, :-1]).flatten(0, 1), texts[:, 1:].flatten()))
