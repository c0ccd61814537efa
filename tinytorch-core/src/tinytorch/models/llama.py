"""Llama: RMS norms, rotary positions, gated networks, shared key heads (Touvron et al. 2023); Hugging Face's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinytorch.core.layers import Embedding, Linear, ModuleDict, ModuleList, init
from tinytorch.core.tensor.numbers import whole
from tinytorch.core.transformers import KVShape, LanguageModel, LlamaBlock, RMSNorm, sight, summed_embeddings, through

if TYPE_CHECKING:
    from tinytorch.core.tensor import Tensor
    from tinytorch.core.transformers import Cache
    from tinytorch.types import Array


class Llama(LanguageModel):
    """Scores for the next token after each. `interleaved` says how rotary pairs lie: neighbours in llama2.c's files."""

    def __init__(
        self,
        vocab_size: int,
        max_length: int,
        layers: int,
        heads: int,
        width: int,
        hidden: int,
        kv_heads: int | None = None,
        rope_base: float = 10000.0,
        norm_eps: float = 1e-5,
        interleaved: bool = False,
        tied: bool = False,
    ) -> None:
        super().__init__()
        kv_heads = heads if kv_heads is None else kv_heads
        sizes = {"vocab_size": vocab_size, "max_length": max_length, "layers": layers, "hidden": hidden}
        for name, size in {**sizes, "heads": heads, "kv_heads": kv_heads, "width": width}.items():
            whole("Llama", name, size, least=1)
        if width % (2 * heads) or heads % kv_heads:
            raise ValueError(f"Llama: width {width}, {heads} heads and {kv_heads} key heads do not divide evenly")
        self.vocab_size, self.max_length = vocab_size, max_length
        options = {"heads": heads, "kv_heads": kv_heads, "rope_base": rope_base, "interleaved": interleaved}
        self.model = ModuleDict(
            {
                "embed_tokens": Embedding(vocab_size, width),
                "layers": ModuleList([LlamaBlock(width, hidden, norm_eps, **options) for _ in range(layers)]),
                "norm": RMSNorm(width, norm_eps),
            }
        )
        self.lm_head = Linear(width, vocab_size, bias=False)
        if tied:
            self.lm_head.weight = self.model["embed_tokens"].weight
        for parameter in self.parameters():
            if parameter.ndim == 2:
                init.normal_(parameter, 0.0, 0.02)

    @property
    def kv_shape(self) -> KVShape | None:
        """Layers, key heads, the width of one, and the dtype; None where layers have come to differ in heads."""
        blocks: Any = self.model["layers"]
        attention = blocks[0].self_attn
        if any(block.self_attn.kv_heads != attention.kv_heads for block in blocks):
            return None
        return KVShape(len(blocks), attention.kv_heads, attention.rotary.dim, self.lm_head.weight.dtype)

    def forward(
        self, tokens: Tensor, attention_mask: Tensor | Array | None = None, cache: Cache | None = None
    ) -> Tensor:
        """(batch, time) integers -> scores (batch, time, vocab_size).

        attention_mask is 1 for a token, 0 for padding, on either side: (batch, past + time).
        """
        parts: Any = self.model
        seen = sight(self, tokens, attention_mask, cache)
        x = summed_embeddings(seen, (parts["embed_tokens"], tokens))
        seen = seen._replace(turns=parts["layers"][0].self_attn.rotary.turns(seen.positions, x.dtype))
        return through((), parts["layers"], (parts["norm"], self.lm_head), x, seen)
