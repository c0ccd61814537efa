"""GPT: a stack of blocks that look back, with GPT-2's names (Radford et al. 2019)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tinytorch.core.layers import Dropout, Embedding, LayerNorm, Linear, ModuleDict, ModuleList, init
from tinytorch.core.tensor.numbers import whole
from tinytorch.core.transformers import GPTBlock, KVShape, LanguageModel, sight, summed_embeddings, through

if TYPE_CHECKING:
    from tinytorch.core.tensor import Tensor
    from tinytorch.core.transformers import Cache
    from tinytorch.types import Array


class GPT(LanguageModel):
    """Scores for the next token after each: the table of tokens serves as the last layer, too (weight tying)."""

    def __init__(
        self,
        vocab_size: int,
        max_length: int = 1024,
        layers: int = 12,
        heads: int = 12,
        width: int = 768,
        dropout: float = 0.0,
        bias: bool = True,
    ) -> None:
        super().__init__()
        sizes = {"vocab_size": vocab_size, "max_length": max_length, "layers": layers, "heads": heads, "width": width}
        for name, size in sizes.items():
            whole("GPT", name, size, least=1)
        if width % heads:
            raise ValueError(f"GPT: width {width} cannot be divided into {heads} heads")
        self.vocab_size, self.max_length = vocab_size, max_length
        self.transformer = ModuleDict(
            {
                "wte": Embedding(vocab_size, width),
                "wpe": Embedding(max_length, width),
                "drop": Dropout(dropout),
                "h": ModuleList([GPTBlock(width, heads, dropout, bias) for _ in range(layers)]),
                "ln_f": LayerNorm(width, bias=bias),
            }
        )
        self.lm_head = Linear(width, vocab_size, bias=False)
        self.lm_head.weight = self.transformer["wte"].weight
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew, as section 2.3 of the paper says: smaller where they add to the stream of a layer."""
        depth = len(self.transformer["h"])
        for name, parameter in self.named_parameters():
            if name.endswith("c_proj.weight"):
                init.normal_(parameter, 0.0, 0.02 / math.sqrt(2 * depth))
            elif parameter.ndim == 2:
                init.normal_(parameter, 0.0, 0.02)
            elif name.endswith("bias"):
                init.zeros_(parameter)
            else:
                init.ones_(parameter)

    @property
    def kv_shape(self) -> KVShape | None:
        """Layers, heads, the width of one, and the dtype; None where layers have come to differ in heads."""
        blocks: Any = self.transformer["h"]
        first = blocks[0].attn
        if any(block.attn.heads != first.heads for block in blocks):
            return None
        return KVShape(len(blocks), first.heads, first.head, self.lm_head.weight.dtype)

    def forward(
        self, tokens: Tensor, attention_mask: Tensor | Array | None = None, cache: Cache | None = None
    ) -> Tensor:
        """(batch, time) integers -> scores (batch, time, vocab_size).

        attention_mask is 1 for a token, 0 for padding, on either side: (batch, past + time).
        """
        parts: Any = self.transformer
        seen = sight(self, tokens, attention_mask, cache)
        x = summed_embeddings(seen, (parts["wte"], tokens), (parts["wpe"], seen.positions))
        return through((parts["drop"],), parts["h"], (parts["ln_f"], self.lm_head), x, seen)
