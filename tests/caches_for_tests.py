"""Drawn models whose choices differ from each other, and what they say."""

import numpy as np

import tinytorch as tt
from tinytorch import models


def drawn(kind, seed, length=40):
    """A model with drawn sizes and large weights."""
    rng = np.random.default_rng(seed)
    tt.manual_seed(seed)
    layers, heads, share = (int(n) for n in rng.integers(1, 4, 3))
    if kind == "gpt":
        made = models.GPT(11, length, layers, heads, 4 * heads)
    else:
        sizes = {"layers": layers, "heads": heads * share, "width": 4 * heads * share, "hidden": 10, "kv_heads": heads}
        made = models.Llama(11, length, **sizes, interleaved=bool(seed % 2))
    with tt.no_grad():
        for parameter in made.parameters():
            parameter.mul_(10.0 if parameter.ndim == 2 else 1.0)
    return made.eval()


def scores(net, tokens, attention_mask=None, cache=None):
    with tt.no_grad():
        return net(tt.tensor(tokens), attention_mask, cache).numpy()
