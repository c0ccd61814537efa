"""Linear layers with many zeros, drawn."""

import numpy as np

import tinytorch as tt
from tinytorch import nn


def layer(into, out, share, bias=True, seed=0):
    rng = np.random.default_rng(seed)
    made = nn.Linear(into, out, bias=bias)
    made.weight.detach().copy_(tt.tensor(rng.standard_normal((out, into)) * (rng.random((out, into)) >= share)))
    return made
