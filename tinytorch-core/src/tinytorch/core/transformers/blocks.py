"""The blocks of today's language models: attention that looks back, and a network for each token.

Normalization comes first in both (Radford et al. 2019; Touvron et al. 2023).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tinytorch.core.activations.functions import gelu_of, silu
from tinytorch.core.attention.functions import attended
from tinytorch.core.attention.scaled import attention
from tinytorch.core.autograd import is_grad_enabled
from tinytorch.core.embeddings import RotaryEmbedding
from tinytorch.core.layers import Dropout, LayerNorm, Linear
from tinytorch.core.layers.linear import linear
from tinytorch.core.module import Module
from tinytorch.core.tensor import Tensor
from tinytorch.core.transformers.rms import RMSNorm

if TYPE_CHECKING:
    from tinytorch.core.transformers.sight import Sight


class CausalSelfAttention(Module):
    """Attention to the tokens before, with GPT-2's names: one matrix for queries, keys and values."""

    def __init__(self, width: int, heads: int, dropout: float = 0.0, bias: bool = True) -> None:
        super().__init__()
        self.heads, self.head, self.dropout_p = heads, width // heads, dropout  # how many, and the width of one
        self.c_attn = Linear(width, 3 * width, bias)
        self.c_proj = Linear(width, width, bias)
        self.resid_dropout = Dropout(dropout)

    def forward(self, x: Tensor, layer: int, seen: Sight) -> Tensor:
        """(batch, time, width) -> the same."""
        q, k, v = self._learning(x) if is_grad_enabled() else self._at_once(x)
        return self.resid_dropout(self.c_proj(_attend(q, k, v, layer, seen, self.dropout_p if self.training else 0.0)))

    def _learning(self, x: Tensor) -> tuple[Tensor, ...]:
        """Queries, keys and values from slices of the weight: their gradients are smaller than the result's."""
        width, weight, bias = self.heads * self.head, self.c_attn.weight, self.c_attn.bias
        parts = [slice(i * width, (i + 1) * width) for i in range(3)]
        return tuple(
            _by_head(linear(x, weight[part], None if bias is None else bias[part]), self.heads) for part in parts
        )

    def _at_once(self, x: Tensor) -> tuple[Tensor, ...]:
        """The same from one product, as views, where no derivative follows."""
        batch, time, _ = x.array.shape
        parts = self.c_attn(x).array.reshape(batch, time, 3, self.heads, self.head).transpose(2, 0, 3, 1, 4)
        return tuple(map(Tensor, parts))


class GroupedQueryAttention(Module):
    """Attention to the tokens before with rotary positions and shared key heads, with Llama's names (Ainslie 2023)."""

    def __init__(
        self, width: int, heads: int, kv_heads: int, rope_base: float = 10000.0, interleaved: bool = False
    ) -> None:
        super().__init__()
        head = width // heads
        self.heads, self.kv_heads = heads, kv_heads
        self.q_proj = Linear(width, heads * head, bias=False)
        self.k_proj = Linear(width, kv_heads * head, bias=False)
        self.v_proj = Linear(width, kv_heads * head, bias=False)
        self.o_proj = Linear(heads * head, width, bias=False)
        self.rotary = RotaryEmbedding(head, rope_base, interleaved)

    def forward(self, x: Tensor, layer: int, seen: Sight) -> Tensor:
        """(batch, time, width) -> the same."""
        q, k = _by_head(self.q_proj(x), self.heads), _by_head(self.k_proj(x), self.kv_heads)
        turns = self.rotary.turns(seen.positions, q.dtype) if seen.turns is None else seen.turns
        q, k = self.rotary.turn(q, turns), self.rotary.turn(k, turns)
        return self.o_proj(_attend(q, k, _by_head(self.v_proj(x), self.kv_heads), layer, seen))


class MLP(Module):
    """GPT-2's network for each token: wider by `hidden`, GELU in its tanh form, and back."""

    def __init__(self, width: int, hidden: int, dropout: float = 0.0, bias: bool = True) -> None:
        super().__init__()
        self.c_fc = Linear(width, hidden, bias)
        self.c_proj = Linear(hidden, width, bias)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) -> the same."""
        return self.dropout(self.c_proj(gelu_of(self.c_fc(x), "tanh")))


class SwiGLU(Module):
    """Llama's network for each token: one wide layer opens the gates of another (Shazeer 2020)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gate_proj = Linear(width, hidden, bias=False)
        self.up_proj = Linear(width, hidden, bias=False)
        self.down_proj = Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) -> the same."""
        return self.down_proj(silu(self.gate_proj(x)) * self.up_proj(x))


class GPTBlock(Module):
    """A block of GPT-2."""

    def __init__(self, width: int, heads: int, dropout: float = 0.0, bias: bool = True) -> None:
        super().__init__()
        self.ln_1 = LayerNorm(width, bias=bias)
        self.attn = CausalSelfAttention(width, heads, dropout, bias)
        self.ln_2 = LayerNorm(width, bias=bias)
        self.mlp = MLP(width, 4 * width, dropout, bias)

    def forward(self, x: Tensor, layer: int, seen: Sight) -> Tensor:
        """(batch, time, width) -> the same."""
        x = x + self.attn(self.ln_1(x), layer, seen)
        return x + self.mlp(self.ln_2(x))


class LlamaBlock(Module):
    """A block of Llama."""

    def __init__(self, width: int, hidden: int, norm_eps: float, **attention: Any) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(width, norm_eps)
        self.self_attn = GroupedQueryAttention(width, **attention)
        self.post_attention_layernorm = RMSNorm(width, norm_eps)
        self.mlp = SwiGLU(width, hidden)

    def forward(self, x: Tensor, layer: int, seen: Sight) -> Tensor:
        """(batch, time, width) -> the same."""
        x = x + self.self_attn(self.input_layernorm(x), layer, seen)
        return x + self.mlp(self.post_attention_layernorm(x))


def _by_head(x: Tensor, heads: int) -> Tensor:
    """(batch, time, heads * width) -> (batch, heads, time, width)."""
    if is_grad_enabled():
        return x.unflatten(2, (heads, -1)).transpose(1, 2)
    batch, time, width = x.array.shape
    return Tensor(x.array.reshape(batch, time, heads, width // heads).swapaxes(1, 2))  # a view, without two ops


def _attend(q: Tensor, k: Tensor, v: Tensor, layer: int, seen: Sight, dropout_p: float = 0.0) -> Tensor:
    """What the queries find, all heads side by side: (batch, time, heads * width)."""
    if seen.cache is not None:
        k, v = seen.cache.update(k, v, layer)
    scale = 1.0 / math.sqrt(q.shape[3])
    if dropout_p:
        out = attended(q, k, v, seen.mask, seen.causal, scale, dropout_p)[0]
    else:
        out = attention(q, k, v, seen.mask, seen.causal, scale)[0]
    return _side_by_side(out)


def _side_by_side(x: Tensor) -> Tensor:
    """(batch, heads, time, width) -> (batch, time, heads * width)."""
    if is_grad_enabled():
        return x.transpose(1, 2).flatten(2)
    batch, heads, time, width = x.array.shape
    return Tensor(x.array.swapaxes(1, 2).reshape(batch, time, heads * width))
