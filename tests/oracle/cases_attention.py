"""Attention: the function over shapes, masks and shared heads, and the layer with its options."""

import numpy as np
from agreement import cases
from both import attend, using
from drawing import of


def heads(rng):
    """Queries of one to six heads, fewer key heads, masks of every shape that broadcasts; every row sees a key."""
    batch, shared, times, time, keys, width, out = (int(n) for n in rng.integers(1, 5, 7))
    few = tuple(1 if rng.random() < 0.4 else n for n in (batch, shared * times, time, keys))
    sees = rng.random(few) < 0.6
    return {
        "q": of(batch, shared * times, time, width)(rng),
        "k": of(batch, shared, keys, width)(rng),
        "v": of(batch, shared, keys, out)(rng),
        "sees": sees,
        "added": np.where(rng.random(few) < 0.2, -np.inf, rng.standard_normal(few)).astype("float32"),
        "bias": of(*few)(rng),
        "flat": rng.random((time, keys)) < 0.6,
        "scale": float(rng.uniform(0.2, 1.5)),
    }


def long(rng):
    """Heads that share key heads, and so many queries and keys that the kernel takes them in several blocks."""
    shared, times = (int(n) for n in rng.integers(1, 3, 2))
    time, keys = (int(n) for n in rng.integers(150, 301, 2))
    sees = rng.random((2, 1, time, keys)) < 0.6
    return {
        "q": of(2, shared * times, time, 5)(rng),
        "k": of(2, shared, keys, 5)(rng),
        "v": of(2, shared, keys, 3)(rng),
        "sees": sees,
        "added_": np.where(sees, rng.standard_normal((time, keys)), -np.inf).astype("float32"),
    }


def layer_inputs(rng):
    """What a layer of width 6 attends to: batch second, one of two sequences padded at its end."""
    time, keys = (int(n) for n in rng.integers(1, 6, 2))
    padding = np.zeros((2, keys), bool)
    padding[1, max(1, keys - 2) :] = True
    later = np.triu(np.ones((time, keys), bool), 1)
    return {
        "x": of(time, 2, 6)(rng),
        "y": of(keys, 2, 6)(rng),
        "z": of(keys, 2, 4)(rng),
        "padding": padding,
        "later": later,
        "each": np.where(np.broadcast_to(later, (4, time, keys)), -np.inf, 0.3).astype("float32"),
        "added_": of(time, keys)(rng),
    }


CASES = [
    *cases(
        "attention",
        heads,
        """
        F.scaled_dot_product_attention(q, k, v, enable_gqa=True)
        F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        F.scaled_dot_product_attention(q, k, v, sees, enable_gqa=True, scale=scale)
        F.scaled_dot_product_attention(q, k, v, added.detach(), enable_gqa=True)
        F.scaled_dot_product_attention(q, k, v, bias, enable_gqa=True, scale=scale)
        F.scaled_dot_product_attention(q, k, v, flat, 0.0, False, enable_gqa=True)
        F.scaled_dot_product_attention(q[:, :1], k[:, :1], v[:, :1])
        F.scaled_dot_product_attention(q[0, 0], k[0, 0], v[0, 0], flat)
        F.scaled_dot_product_attention(q[0], k[0], v[0], is_causal=True, enable_gqa=True)
        F.scaled_dot_product_attention(q.double(), k.double(), v.double(), scale=scale, enable_gqa=True)
        F.scaled_dot_product_attention(q[:, :1].transpose(2, 3), q[:, :1].transpose(2, 3), q[:, :1].transpose(2, 3))
        """,
        loose=5,
    ),
    *cases(
        "long attention",
        long,
        """
        F.scaled_dot_product_attention(q, k, v, enable_gqa=True)
        F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        F.scaled_dot_product_attention(q, q, q, is_causal=True, scale=0.3)
        F.scaled_dot_product_attention(q, k, v, sees, enable_gqa=True)
        F.scaled_dot_product_attention(q, k, v, added_, enable_gqa=True, scale=0.3)
        """,
        loose=20,
    ),
    *cases(
        "multihead attention",
        using(layer_inputs, attend),
        """
        attend(t, t.nn.MultiheadAttention(6, 2), x, y, y)
        attend(t, t.nn.MultiheadAttention(6, 3), x, x, x, need_weights=False)
        attend(t, t.nn.MultiheadAttention(6, 2, bias=False), x, y, y, key_padding_mask=padding)
        attend(t, t.nn.MultiheadAttention(6, 2), x, y, y, key_padding_mask=padding, need_weights=False)
        attend(t, t.nn.MultiheadAttention(6, 2), x, y, y, attn_mask=later, average_attn_weights=False)
        attend(t, t.nn.MultiheadAttention(6, 2), x, y, y, attn_mask=each.detach())
        attend(t, t.nn.MultiheadAttention(6, 2), x, y, y, attn_mask=added_, need_weights=False)
        attend(t, t.nn.MultiheadAttention(6, 2, kdim=6, vdim=4), x, y, z)
        attend(t, t.nn.MultiheadAttention(6, 2, add_bias_kv=True, add_zero_attn=True), x, y, y, attn_mask=added_)
        attend(t, t.nn.MultiheadAttention(6, 2, batch_first=True), *[each.transpose(0, 1) for each in (x, y, y)])
        attend(t, t.nn.MultiheadAttention(6, 2), x[:, 0], y[:, 0], y[:, 0], need_weights=False)
        attend(t, t.nn.MultiheadAttention(6, 2), x, y, y, key_padding_mask=padding, attn_mask=later)
        attend(t, t.nn.MultiheadAttention(6, 2), x, y, y, attn_mask=later, is_causal=True, need_weights=False)
        attend(t, t.nn.MultiheadAttention(6, 2, add_bias_kv=True), x, y, y, key_padding_mask=padding, attn_mask=later)
        attend(t, t.nn.MultiheadAttention(6, 2, add_zero_attn=True), x, y, y, key_padding_mask=padding)
        attend(t, t.nn.MultiheadAttention(6, 2, bias=False, kdim=4), x, z, y, average_attn_weights=False)
        attend(t, t.nn.MultiheadAttention(6, 3, vdim=4, add_bias_kv=True), x, y, z, attn_mask=added_)
        attend(t, t.nn.MultiheadAttention(6, 2), x[:, 0], y[:, 0], y[:, 0], key_padding_mask=padding[1])
        """,
        loose=10,
    ),
]
