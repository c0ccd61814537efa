"""What must hold of a pruned model, worked out from its structure and its modules alone."""

import copy
import math

import numpy as np

import tinytorch as tt
from tinytorch import nn
from tinytorch.transforming import applied


def zeroed(model, structure):
    """A copy of the dense model with zeros where the pruned one has nothing."""
    twin = copy.deepcopy(model)
    parameters = dict(twin.named_parameters())
    for name, axes in structure["kept"].items():
        for axis, kept in axes.items():
            if name in parameters:
                gone = np.setdiff1d(np.arange(parameters[name].shape[int(axis)]), kept)
                parameters[name].array[(slice(None),) * int(axis) + (gone,)] = 0.0
    return twin


def structure(model):
    """What the last pruning noted."""
    return applied(model)[-1].structure


def far(model, twin, *inputs):
    """The largest difference of two models' outputs, in evaluation, relative to the largest output."""
    with tt.no_grad():
        a, b = (each.eval()(*inputs).array for each in (model, twin))
    return float(np.abs(a - b).max() / (np.abs(b).max() or 1.0))


def parameters_by_formula(dense, kept):
    """The product of what is left of every axis, summed."""
    total = 0
    for name, parameter in dense.named_parameters():
        axes = kept.get(name, {})
        total += math.prod(len(axes[str(i)]) if str(i) in axes else n for i, n in enumerate(parameter.shape))
    return total


def macs_by_formula(model, *inputs):
    """Output elements times the window, for each layer that is called, by the sizes that the layers say they have."""
    macs = []
    forwards = []
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            forwards.append(module)
            module.__dict__["forward"] = _noting(module, macs)
    try:
        model.eval()(*inputs)
    finally:
        for module in forwards:
            del module.__dict__["forward"]
    return sum(macs)


def _noting(module, macs):
    def forward(x):
        out = type(module).forward(module, x)
        if isinstance(module, nn.Linear):
            macs.append(math.prod(out.shape[:-1]) * module.in_features * module.out_features)
        else:
            window = math.prod(module.weight.shape[2:])
            pixels = out.shape[0] * math.prod(out.shape[2:])
            macs.append(pixels * module.out_channels * (module.in_channels // module.groups) * window)
        return out

    return forward
