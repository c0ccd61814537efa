"""Transformers: RMS norms, turns, the layers of encoder and decoder with their options and masks, and a GPT."""

import importlib

import numpy as np
from agreement import cases
from both import fill, learn, using
from drawing import of, one_of

from tinytorch import models


def vectors(rng):
    shape = [(3, 6), (2, 4, 6), (2, 1, 3, 6)][rng.integers(0, 3)]
    return {"x": of(*shape)(rng), "w": of(6)(rng), "eps": float(rng.choice([1e-6, 1e-2]))}


def sequences(rng):
    """Two sequences of width 6 and what they look at, batch second; the second one is padded at its end."""
    time, keys = (int(n) for n in rng.integers(2, 6, 2))
    padding = np.zeros((2, time), bool)
    padding[1, time - 1 :] = True
    return {
        "x": of(time, 2, 6)(rng),
        "memory": of(keys, 2, 6)(rng),
        "later": np.triu(np.ones((time, time), bool), 1),
        "padding": padding,
        "partly": np.triu(np.ones((time, keys), bool), 2),
        "short": np.arange(keys) >= [[keys], [keys - 1]],
    }


def turns(rng):
    """Vectors by head, and where they stand: in all sequences the same, or in each its own."""
    batch, heads, time, half = (int(n) for n in rng.integers(1, 5, 4))
    places = [(time,), (batch, time)][rng.integers(0, 2)]
    return {
        "x": of(batch, heads, time, 2 * half)(rng),
        "positions": rng.integers(0, 2000, places),
        "base": one_of(10000.0, 500.0)(rng),
    }


def texts(rng):
    """Tokens, and the sizes of a GPT that reads them."""
    heads = int(rng.integers(1, 4))
    sizes = {"layers": int(rng.integers(1, 4)), "heads": heads, "width": 4 * heads}
    vocab_size, time = (int(n) for n in rng.integers(5, 12, 2))
    return {"tokens": rng.integers(0, vocab_size, (2, time)), "sizes": (vocab_size, time + 2, *sizes.values())}


def encoded(t, x, later=None, padding=None, depth=0, **options):
    """What an encoder layer, or a stack of them, gives and learns."""
    layer = t.nn.TransformerEncoderLayer(6, 2, 8, 0.0, **options)
    return learn(t, With(t, stacked(t, t.nn.TransformerEncoder, layer, depth), later, padding), x)


def decoded(t, x, memory, later=None, padding=None, depth=0, partly=None, short=None, **options):
    """What a decoder layer, or a stack of them, gives and learns."""
    layer = t.nn.TransformerDecoderLayer(6, 2, 8, 0.0, **options)
    part = stacked(t, t.nn.TransformerDecoder, layer, depth)
    masks = {"tgt_key_padding_mask": padding, "memory_key_padding_mask": short}
    return learn(t, With(t, part, later, partly, **masks), x, memory)


def turned(t, x, positions, base, interleaved):
    """Vectors turned by their positions: as complex numbers, or half by half, where PyTorch is to say it."""
    if t.__name__ != "torch":
        return t.core.embeddings.rotate(x, positions, base, interleaved)
    angles = positions[..., None] * base ** (-t.arange(0, x.shape[-1], 2, dtype=t.float64) / x.shape[-1])
    angles = angles if positions.ndim == 1 else angles[:, None]
    if interleaved:
        pairs = t.view_as_complex(x.reshape(*x.shape[:-1], -1, 2))
        return t.view_as_real(pairs * t.polar(t.ones_like(angles), angles).to(pairs.dtype)).reshape(x.shape)
    first, second = x.chunk(2, -1)
    cos, sin = (t.cat([each, each], -1).to(x.dtype) for each in (angles.cos(), angles.sin()))
    return x * cos + t.cat([-second, first], -1) * sin


def scored(t, tokens, sizes, dtype):
    """The scores of a GPT, and the gradients of all its parameters."""
    model = fill(t, gpt_of(t)(*sizes)).to(getattr(t, dtype))
    scores = model(tokens)
    loss = t.nn.functional.cross_entropy(scores.flatten(0, 1), tokens.roll(-1, 1).flatten())
    return [scores, loss, *t.autograd.grad(loss, list(model.parameters()), retain_graph=True)]


def gpt_of(t):
    """The library's GPT; PyTorch's is the one that tinytorch-bench takes."""
    return importlib.import_module("tinytorch_bench.peers.twins").GPT if t.__name__ == "torch" else models.GPT


def stacked(t, stack, layer, depth):
    if not depth:
        return layer
    slow = {"enable_nested_tensor": False} if t.__name__ == "torch" and stack is t.nn.TransformerEncoder else {}
    return stack(layer, depth, t.nn.LayerNorm(6), **slow)


class With:
    """A module with masks of its own."""

    def __init__(self, t, module, *masks, **named):
        self.t, self.module, self.masks, self.named = t, module, masks, named

    def __call__(self, *inputs):
        return self.module(*inputs, *self.masks, **self.named)

    def __getattr__(self, name):
        return getattr(self.module, name)


CASES = [
    *cases(
        "rms norm",
        using(vectors, learn),
        """
        F.rms_norm(x, (6,), w, eps); F.rms_norm(x, (6,)); F.rms_norm(x, [6], weight=w); F.rms_norm(x, x.shape[-2:])
        F.rms_norm(x.double(), (6,), w.double()); learn(t, t.nn.RMSNorm(6), x); learn(t, t.nn.RMSNorm(6, eps), x)
        learn(t, t.nn.RMSNorm((6,), elementwise_affine=False), x)
        """,
    ),
    *cases(
        "encoder",
        using(sequences, encoded),
        """
        encoded(t, x); encoded(t, x, later, norm_first=True); encoded(t, x, later, padding)
        encoded(t, x, None, padding, activation='gelu'); encoded(t, x, bias=False)
        encoded(t, x.transpose(0, 1), later, padding, batch_first=True); encoded(t, x, later, padding, 2)
        encoded(t, x, later, None, 3, norm_first=True, layer_norm_eps=1e-3)
        encoded(t, x, later, padding, bias=False, norm_first=True); encoded(t, x[:, 0], later)
        encoded(t, x.transpose(0, 1), None, padding, 2, batch_first=True, norm_first=True, bias=False)
        """,
        loose=20,
    ),
    *cases(
        "decoder",
        using(sequences, decoded),
        """
        decoded(t, x, memory); decoded(t, x, memory, later, norm_first=True); decoded(t, x, memory, later, padding)
        decoded(t, x, memory, None, padding, activation=F.gelu); decoded(t, x, memory, bias=False)
        decoded(t, x.transpose(0, 1), memory.transpose(0, 1), later, padding, batch_first=True)
        decoded(t, x, memory, later, padding, 2); decoded(t, x, memory, later, None, 2, norm_first=True)
        decoded(t, x, memory, None, None, 0, partly); decoded(t, x, memory, None, None, 0, None, short)
        decoded(t, x, memory, later, padding, 2, partly, short, bias=False, norm_first=True)
        decoded(t, x.transpose(0, 1), memory.transpose(0, 1), later, padding, 0, partly, short, batch_first=True)
        decoded(t, x[:, 0], memory[:, 0], later, None, 0, partly, activation='gelu')
        """,
        loose=20,
    ),
    *cases(
        "rotary",
        using(turns, turned),
        """
        turned(t, x, positions, base, True); turned(t, x, positions, base, False)
        turned(t, x.double(), positions, base, True); turned(t, x.double(), positions, base, False)
        """,
    ),
    *cases("gpt", using(texts, scored), "scored(t, tokens, sizes, 'float32')", loose=20),
    *cases("gpt", using(texts, scored), "scored(t, tokens, sizes, 'float64')"),
]
