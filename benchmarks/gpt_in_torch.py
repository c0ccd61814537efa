"""The GPT of `tinytorch.models` written with PyTorch, as its users write it: parameters in the same order."""

import torch
from torch import nn
from torch.nn import functional


class Attention(nn.Module):
    """One matrix for queries, keys and values, and PyTorch's fused attention."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.c_attn, self.c_proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, time, width) -> the same."""
        batch, time, width = x.shape
        parts = self.c_attn(x).split(width, dim=2)
        q, k, v = (part.view(batch, time, self.heads, -1).transpose(1, 2) for part in parts)
        out = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(out.transpose(1, 2).reshape(batch, time, width))


class Block(nn.Module):
    """Attention and a network for each token, each normalized first."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.ln_1, self.attn = nn.LayerNorm(width), Attention(width, heads)
        self.ln_2 = nn.LayerNorm(width)
        self.c_fc, self.c_proj = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, time, width) -> the same."""
        x = x + self.attn(self.ln_1(x))
        return x + self.c_proj(functional.gelu(self.c_fc(self.ln_2(x)), approximate="tanh"))


class GPT(nn.Module):
    """Scores for the next token: (batch, time) -> (batch, time, vocab_size)."""

    def __init__(self, vocab_size: int, max_length: int, layers: int, heads: int, width: int) -> None:
        super().__init__()
        self.wte, self.wpe = nn.Embedding(vocab_size, width), nn.Embedding(max_length, width)
        self.h = nn.ModuleList([Block(width, heads) for _ in range(layers)])
        self.ln_f = nn.LayerNorm(width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """(batch, time) -> (batch, time, vocab_size)."""
        x = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[1]))
        for block in self.h:
            x = block(x)
        return self.ln_f(x) @ self.wte.weight.T


def cached(model: GPT, tokens: torch.Tensor, kept: list[tuple[torch.Tensor, torch.Tensor]], past: int) -> torch.Tensor:
    """Scores of tokens after `past` others, whose keys and values are in preallocated memory, and theirs too."""
    end = past + tokens.shape[1]
    x = model.wte(tokens) + model.wpe(torch.arange(past, end))
    for block, (keys, values) in zip(model.h, kept, strict=True):
        x = x + _attend(block.attn, block.ln_1(x), keys, values, past)
        x = x + block.c_proj(functional.gelu(block.c_fc(block.ln_2(x)), approximate="tanh"))
    return model.ln_f(x) @ model.wte.weight.T


def _attend(attention: Attention, x: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, past: int) -> torch.Tensor:
    batch, time, width = x.shape
    parts = attention.c_attn(x).split(width, dim=2)
    q, k, v = (part.view(batch, time, attention.heads, -1).transpose(1, 2) for part in parts)
    end = past + time
    keys[:, :, past:end], values[:, :, past:end] = k, v
    out = functional.scaled_dot_product_attention(q, keys[:, :, :end], values[:, :, :end], is_causal=time > 1)
    return attention.c_proj(out.transpose(1, 2).reshape(batch, time, width))
