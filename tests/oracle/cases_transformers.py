"""Transformers: RMS norms, and the layers of the encoder and the decoder with their options and masks."""

import numpy as np
from agreement import cases
from both import learn, using
from drawing import of


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
    }


def encoded(t, x, later=None, padding=None, depth=0, **options):
    """What an encoder layer, or a stack of them, gives and learns."""
    layer = t.nn.TransformerEncoderLayer(6, 2, 8, 0.0, **options)
    return learn(t, With(t, stacked(t, t.nn.TransformerEncoder, layer, depth), later, padding), x)


def decoded(t, x, memory, later=None, padding=None, depth=0, **options):
    """What a decoder layer, or a stack of them, gives and learns."""
    layer = t.nn.TransformerDecoderLayer(6, 2, 8, 0.0, **options)
    part = stacked(t, t.nn.TransformerDecoder, layer, depth)
    return learn(t, With(t, part, later, None, tgt_key_padding_mask=padding), x, memory)


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
        """,
        loose=20,
    ),
]
