"""One token after another in PyTorch, as people write it: keys and values in memory made beforehand, or all anew."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

from tinytorch_bench.peers.twins import GPT, Attention

Kept = list[tuple[Tensor, Tensor]]


def decode(model: GPT, count: int, cached: bool) -> list[int]:
    """Give so many tokens, each the best after those before it; the first is 0."""
    tokens = torch.zeros(1, count + 1, dtype=torch.int64)
    kept = _memory(model, count)
    with torch.inference_mode():
        for past, end in pairwise(range(count + 1)):
            scores = _scores(model, tokens[:, past:end], kept, past) if cached else model(tokens[:, :end])
            tokens[:, end] = scores[:, -1].argmax(1)
    return tokens[0, 1:].tolist()


def _memory(model: GPT, places: int) -> Kept:
    """Keys and values (1, heads, places, width of a head) for each layer."""
    table, blocks = model.lm_head.weight, model.transformer["h"]
    heads = blocks[0].attn.heads
    shape = (1, heads, places, table.shape[1] // heads)
    return [(table.new_zeros(shape), table.new_zeros(shape)) for _ in blocks]


def _scores(model: GPT, tokens: Tensor, kept: Kept, past: int) -> Tensor:
    """Scores of tokens after `past` others, whose keys and values are kept, and theirs too from now on."""
    parts, end = model.transformer, past + tokens.shape[1]
    x = parts["wte"](tokens) + parts["wpe"](torch.arange(past, end))
    for block, (keys, values) in zip(parts["h"], kept, strict=True):
        x = x + _attend(block.attn, block.ln_1(x), keys, values, past)
        x = x + block.mlp["c_proj"](functional.gelu(block.mlp["c_fc"](block.ln_2(x)), approximate="tanh"))
    return model.lm_head(parts["ln_f"](x))


def _attend(attention: Attention, x: Tensor, keys: Tensor, values: Tensor, past: int) -> Tensor:
    batch, time, width = x.shape
    parts = attention.c_attn(x).split(width, dim=2)
    q, k, v = (part.view(batch, time, attention.heads, -1).transpose(1, 2) for part in parts)
    end = past + time
    keys[:, :, past:end], values[:, :, past:end] = k, v
    out = functional.scaled_dot_product_attention(q, keys[:, :, :end], values[:, :, :end], is_causal=time > 1)
    return attention.c_proj(out.transpose(1, 2).reshape(batch, time, width))
