"""The reference's float32 keyword spotter: the variables of its Keras model, copied into ours layer by layer."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import tinytorch as tt
from tinytorch import models, nn
from tinytorch.types import Array
from tinytorch_bench.tinymlperf.tasks import TinyError

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
OPTIMIZER = ".OPTIMIZER_SLOT"  # what training kept beside the variables
TURNED = {2: (1, 0), 4: (3, 2, 0, 1)}  # (in, out) and (height, width, in, out) to PyTorch's order
DEPTHWISE = (2, 3, 0, 1)  # (height, width, channels, 1)


def keyword_spotter(path: Path) -> nn.Module:
    """Make the trained network of an .npz with arrays `<layer>/<variable>`, ready to be asked.

    Raises TinyError where a variable is missing or has another shape.
    """
    model = models.ds_cnn()
    try:
        with np.load(path, allow_pickle=False) as file:
            variables = {name: file[name] for name in file.files if OPTIMIZER not in name}
    except (OSError, ValueError) as error:
        raise TinyError(f"{path} cannot be read: {error}") from error
    layers = [part for part in model.modules() if next(part.parameters(recurse=False), None) is not None]
    for number, layer in enumerate(layers):
        _fill(layer, f"{number}/", variables, path)
    return model.eval()


def _fill(layer: nn.Module, prefix: str, variables: dict[str, Array], path: Path) -> None:
    """Write a layer's state, of which there is as much as it has."""
    state = layer.state_dict()
    for name, tensor in state.items():
        if name == "num_batches_tracked":
            continue
        array = _variable(layer, name, prefix, variables)
        if array is None or array.shape != tuple(tensor.shape):
            found = "none" if array is None else str(array.shape)
            raise TinyError(f"{path}: expected '{name}' of layer {prefix[:-1]} as {tuple(tensor.shape)}, got {found}")
        state[name] = tt.from_numpy(np.ascontiguousarray(array, np.float32))
    layer.load_state_dict(state)


def _variable(layer: nn.Module, name: str, prefix: str, variables: dict[str, Array]) -> Array | None:
    """A parameter's numbers by Keras' name, in PyTorch's order; None where the file has none."""
    if isinstance(layer, NORMS):
        names = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
        return variables.get(prefix + names[name])
    if name == "bias":
        return variables.get(f"{prefix}bias")
    depthwise = variables.get(f"{prefix}depthwise_kernel")
    if depthwise is not None:
        return depthwise.transpose(DEPTHWISE) if depthwise.ndim == len(DEPTHWISE) else depthwise
    kernel = variables.get(f"{prefix}kernel")
    return kernel if kernel is None or kernel.ndim not in TURNED else kernel.transpose(TURNED[kernel.ndim])
