"""One token after another in PyTorch, keys and values in memory made beforehand: the peer of caching.py."""

from __future__ import annotations

import torch
from torch.nn import functional

from tinytorch_bench.peers.twins import GPT, Attention


def cached(model: GPT, tokens: torch.Tensor, kept: list[tuple[torch.Tensor, torch.Tensor]], past: int) -> torch.Tensor:
    """Scores of tokens after `past` others, whose keys and values are in preallocated memory, and theirs too."""
    parts, end = model.transformer, past + tokens.shape[1]
    x = parts["wte"](tokens) + parts["wpe"](torch.arange(past, end))
    for block, (keys, values) in zip(parts["h"], kept, strict=True):
        x = x + _attend(block.attn, block.ln_1(x), keys, values, past)
        x = x + block.mlp["c_proj"](functional.gelu(block.mlp["c_fc"](block.ln_2(x)), approximate="tanh"))
    return model.lm_head(parts["ln_f"](x))


def _attend(attention: Attention, x: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, past: int) -> torch.Tensor:
    batch, time, width = x.shape
    parts = attention.c_attn(x).split(width, dim=2)
    q, k, v = (part.view(batch, time, attention.heads, -1).transpose(1, 2) for part in parts)
    end = past + time
    keys[:, :, past:end], values[:, :, past:end] = k, v
    out = functional.scaled_dot_product_attention(q, keys[:, :, :end], values[:, :, :end], is_causal=time > 1)
    return attention.c_proj(out.transpose(1, 2).reshape(batch, time, width))
