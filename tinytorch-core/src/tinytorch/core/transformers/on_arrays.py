"""Models on arrays: what their embeddings, blocks and last layers compute, by ops that are not recorded.

Where text is written token by token, calls of modules and the making of tensors are most of the work. So with a cache
models pass through their blocks by these functions; what they compute is what `forward` says, and tests compare the
two; shapes and dtypes are those that the model was made with. While somebody records or looks, and where a part was
changed or trains, the modules are called.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinytorch.core.activations.functions import gelu, silu
from tinytorch.core.attention.scaled import attention
from tinytorch.core.autograd import is_grad_enabled
from tinytorch.core.embeddings import RotaryEmbedding, rotary
from tinytorch.core.layers import Dropout, Embedding, LayerNorm, Linear
from tinytorch.core.layers.embedding import check_rows, embedding
from tinytorch.core.layers.linear import linear
from tinytorch.core.layers.normalization import layer_norm
from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.arithmetic import add, multiply
from tinytorch.core.transformers.blocks import (
    MLP,
    CausalSelfAttention,
    GPTBlock,
    GroupedQueryAttention,
    LlamaBlock,
    SwiGLU,
)
from tinytorch.core.transformers.rms import RMSNorm, rms_norm
from tinytorch.plugins.instruments import watching

if TYPE_CHECKING:
    from tinytorch.core.module import Module
    from tinytorch.core.transformers.sight import Cache, Sight
    from tinytorch.types import Array


def summed_embeddings(seen: Sight, *tables: tuple[Embedding, Tensor]) -> Tensor:
    """The sum of the vectors that tables have for numbers: (batch, time) -> (batch, time, width)."""
    if _cache(seen) is None or any(type(each) is not Embedding or "forward" in each.__dict__ for each, _ in tables):
        return functools.reduce(operator.add, (table(numbers) for table, numbers in tables))
    return Tensor(functools.reduce(add.run, (_rows(table, numbers.array) for table, numbers in tables)))


def through(
    first: Iterable[Module], blocks: Iterable[Module], last: Iterable[Module], x: Tensor, seen: Sight
) -> Tensor:
    """Pass through layers, then blocks, then layers again: (batch, time, width) -> (batch, time, ...)."""
    cache = _cache(seen)
    x = _through_layers(first, x, cache)
    for layer, block in enumerate(blocks):
        kind = KINDS.get(type(block))
        if cache is None or kind is None or not kind.is_plain(block):
            x = block(x, layer, seen)
        else:
            batch, time, width = x.array.shape
            rows = kind.run(block, x.array.reshape(batch * time, width), _Tokens(batch, time, layer, seen, cache))
            x = Tensor(rows.reshape(batch, time, width))
    return _through_layers(last, x, cache)


def _through_layers(layers: Iterable[Module], x: Tensor, cache: Cache | None) -> Tensor:
    for layer in layers:
        x = layer(x) if cache is None or _is_changed(layer) else Tensor(LAYERS[type(layer)](layer, x.array))
    return x


def _cache(seen: Sight) -> Cache | None:
    """The cache, where modules need not be called."""
    return None if is_grad_enabled() or watching() else seen.cache


def _is_changed(layer: Module) -> bool:
    """Whether it trains or has a say of its own."""
    return type(layer) not in LAYERS or layer.training or "forward" in layer.__dict__


class _Tokens(NamedTuple):
    """Whose rows pass through a block: (batch * time, width)."""

    batch: int
    time: int
    layer: int
    seen: Sight
    cache: Cache

    def by_head(self, rows: Array, heads: int) -> Array:
        """(batch * time, heads * width) -> (batch, heads, time, width)."""
        return rows.reshape(self.batch, self.time, heads, rows.shape[1] // heads).swapaxes(1, 2)

    def attend(self, q: Array, k: Array, v: Array) -> Array:
        """What the queries find: (batch, heads, time, width) -> rows, all heads side by side."""
        keys, values = self.cache.update(Tensor(k), Tensor(v), self.layer)
        mask, (batch, heads, time, width) = self.seen.mask, q.shape
        scale, hidden = 1.0 / math.sqrt(width), None if mask is None else mask.array
        out = attention.run(q, keys.array, values.array, hidden, self.seen.causal, scale)[0]
        return out.swapaxes(1, 2).reshape(batch * time, heads * width)


def _gpt(block: GPTBlock, rows: Array, tokens: _Tokens) -> Array:
    attn, mlp = block.attn, block.mlp
    parts = _linear(attn.c_attn, _layer_norm(block.ln_1, rows))
    q, k, v = parts.reshape(tokens.batch, tokens.time, 3, attn.heads, attn.head).transpose(2, 0, 3, 1, 4)
    rows = add.run(rows, _linear(attn.c_proj, tokens.attend(q, k, v)))
    wide = gelu.run(_linear(mlp.c_fc, _layer_norm(block.ln_2, rows)), "tanh")[0]
    return add.run(rows, _linear(mlp.c_proj, wide))


def _llama(block: LlamaBlock, rows: Array, tokens: _Tokens) -> Array:
    attn, mlp, seen, normal = block.self_attn, block.mlp, tokens.seen, _rms_norm(block.input_layernorm, rows)
    cos, sin = attn.rotary.turns(seen.positions, rows.dtype) if seen.turns is None else seen.turns
    q, k = (
        rotary.run(tokens.by_head(_linear(part, normal), heads), cos.array, sin.array, attn.rotary.interleaved)
        for part, heads in ((attn.q_proj, attn.heads), (attn.k_proj, attn.kv_heads))
    )
    v = tokens.by_head(_linear(attn.v_proj, normal), attn.kv_heads)
    rows = add.run(rows, _linear(attn.o_proj, tokens.attend(q, k, v)))
    normal = _rms_norm(block.post_attention_layernorm, rows)
    wide = multiply.run(silu.run(_linear(mlp.gate_proj, normal)), _linear(mlp.up_proj, normal))
    return add.run(rows, _linear(mlp.down_proj, wide))


def _linear(layer: Linear, x: Array) -> Array:
    return linear.run(x, layer.weight.array, None if layer.bias is None else layer.bias.array)


def _layer_norm(layer: LayerNorm, x: Array) -> Array:
    weight = None if layer.weight is None else layer.weight.array
    bias = None if layer.bias is None else layer.bias.array
    return layer_norm.run(x, weight, bias, len(layer.normalized_shape), layer.eps)[0]


def _rows(table: Embedding, numbers: Array) -> Array:
    check_rows(numbers, table.weight.array)
    return embedding.run(table.weight.array, numbers)


def _rms_norm(layer: RMSNorm, x: Array) -> Array:
    eps = float(np.finfo(x.dtype).eps) if layer.eps is None else layer.eps
    weight = None if layer.weight is None else layer.weight.array
    return rms_norm.run(x, weight, len(layer.normalized_shape), eps)[0]


LAYERS: dict[type, Callable[..., Array]] = {
    Linear: _linear,
    LayerNorm: _layer_norm,
    RMSNorm: _rms_norm,
    Dropout: lambda _, x: x,
}


class Kind(NamedTuple):
    """A kind of block: how it runs on arrays, and the parts that it is made of."""

    run: Callable[..., Array]
    parts: Callable[[Any], tuple[Any, ...]]
    types: tuple[type, ...]

    def is_plain(self, block: Module) -> bool:
        """Whether its parts are those it was made of, in evaluation: one that somebody changed has a say of its own."""
        try:
            parts = self.parts(block)
        except AttributeError:
            return False
        if tuple(map(type, parts)) != self.types or "forward" in block.__dict__:
            return False
        for part in parts:
            if part.training or "forward" in part.__dict__ or len(part.__dict__.get("normalized_shape", "1")) > 1:
                return False
        return True


def _kind(run: Callable[..., Array], parts: dict[str, type]) -> Kind:
    return Kind(run, operator.attrgetter(*parts), tuple(parts.values()))


KINDS = {
    GPTBlock: _kind(
        _gpt,
        {
            "ln_1": LayerNorm,
            "attn": CausalSelfAttention,
            "attn.c_attn": Linear,
            "attn.c_proj": Linear,
            "attn.resid_dropout": Dropout,
            "ln_2": LayerNorm,
            "mlp": MLP,
            "mlp.c_fc": Linear,
            "mlp.c_proj": Linear,
            "mlp.dropout": Dropout,
        },
    ),
    LlamaBlock: _kind(
        _llama,
        {
            "input_layernorm": RMSNorm,
            "self_attn": GroupedQueryAttention,
            "self_attn.q_proj": Linear,
            "self_attn.k_proj": Linear,
            "self_attn.v_proj": Linear,
            "self_attn.o_proj": Linear,
            "self_attn.rotary": RotaryEmbedding,
            "post_attention_layernorm": RMSNorm,
            "mlp": SwiGLU,
            "mlp.gate_proj": Linear,
            "mlp.up_proj": Linear,
            "mlp.down_proj": Linear,
        },
    ),
}
