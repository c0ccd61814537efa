"""BERT: a stack of blocks that look both ways, with Hugging Face's names (Devlin et al. 2019).

Normalization follows each part, as in "Attention is all you need". What is left out is what BERT was trained with: the
heads that guess words and following sentences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.activations.functions import gelu_of
from tinytorch.core.attention import scaled_dot_product_attention
from tinytorch.core.layers import Dropout, Embedding, LayerNorm, Linear, ModuleDict, ModuleList, init
from tinytorch.core.module import Module
from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.numbers import whole
from tinytorch.core.tensor.promotion import floats_only, tensors_only
from tinytorch.core.transformers import checked_mask

if TYPE_CHECKING:
    from tinytorch.types import Array


class BertEncoder(Module):
    """A vector for each token, made in sight of all others; sizes default to BERT-base's."""

    def __init__(
        self,
        vocab_size: int,
        max_length: int = 512,
        layers: int = 12,
        heads: int = 12,
        width: int = 768,
        hidden: int = 3072,
        token_types: int = 2,
        norm_eps: float = 1e-12,
        dropout: float = 0.0,
        pooler: bool = False,
    ) -> None:
        super().__init__()
        sizes = {"vocab_size": vocab_size, "max_length": max_length, "layers": layers, "heads": heads, "width": width}
        for name, size in {**sizes, "hidden": hidden, "token_types": token_types}.items():
            whole("BertEncoder", name, size, least=1)
        if width % heads:
            raise ValueError(f"BertEncoder: width {width} cannot be divided into {heads} heads")
        self.max_length = max_length
        self.embeddings = _Embeddings(vocab_size, max_length, token_types, width, norm_eps, dropout)
        blocks = ModuleList([_Block(width, heads, hidden, norm_eps, dropout) for _ in range(layers)])
        self.encoder = ModuleDict({"layer": blocks})
        self.add_module("pooler", ModuleDict({"dense": Linear(width, width)}) if pooler else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew, as the authors' code does: 0.02 wide, biases 0 (google-research/bert, modeling.py)."""
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                init.normal_(parameter, 0.0, 0.02)
            elif name.endswith("bias"):
                init.zeros_(parameter)

    def forward(
        self, tokens: Tensor, attention_mask: Tensor | Array | None = None, token_type_ids: Tensor | None = None
    ) -> Tensor:
        """(batch, time) integers -> (batch, time, width).

        attention_mask (batch, time) is 1 for a token, 0 for padding, which no token looks at. token_type_ids say which
        text of a pair a token belongs to; without them all belong to the first.
        """
        tensors_only("BertEncoder", tokens)
        if tokens.ndim != 2 or tokens.shape[1] > self.max_length:
            raise ValueError(
                f"BertEncoder: expected (batch, at most {self.max_length}) tokens, got shape {tokens.shape}"
            )
        mask = (
            None
            if attention_mask is None
            else Tensor(checked_mask("BertEncoder", attention_mask, tokens.shape)[:, None, None])
        )
        x = self.embeddings(tokens, token_type_ids)
        layers: Any = self.encoder["layer"]
        for block in layers:
            x = block(x, mask)
        return x

    def pooled(self, outputs: Tensor) -> Tensor:
        """The text's vector as BERT's pooler makes it of the first token's: (batch, time, width) -> (batch, width)."""
        if self.pooler is None:
            raise ValueError("BertEncoder: pooled needs a model that was made with pooler=True")
        out: Tensor = self.pooler["dense"](outputs[:, 0]).tanh()
        return out


def sentence_embeddings(outputs: Tensor, attention_mask: Tensor | Array | None = None) -> Tensor:
    """The mean over the tokens that are not padding, of length 1: (batch, time, width) -> (batch, width).

    As sentence-transformers does it (Reimers & Gurevych 2019): compare two of them by their dot product. A row of
    padding alone gives zeros.
    """
    if floats_only("sentence_embeddings", outputs)[0].ndim != 3:
        raise ValueError(f"sentence_embeddings: expected (batch, time, width), got shape {outputs.shape}")
    shape = outputs.shape[:2]
    seen = (
        np.ones(shape, bool) if attention_mask is None else checked_mask("sentence_embeddings", attention_mask, shape)
    )
    weights = seen / np.maximum(seen.sum(axis=1, keepdims=True), 1)
    mean = (outputs * Tensor(weights.astype(outputs.dtype)[:, :, None])).sum(1)
    return mean / (mean * mean).sum(1, keepdim=True).sqrt().clamp(min=1e-12)


class _Embeddings(Module):
    """What a token is, where it stands and which text it belongs to, added and normalized."""

    def __init__(
        self, vocab_size: int, max_length: int, token_types: int, width: int, norm_eps: float, dropout: float
    ) -> None:
        super().__init__()
        self.word_embeddings = Embedding(vocab_size, width)
        self.position_embeddings = Embedding(max_length, width)
        self.token_type_embeddings = Embedding(token_types, width)
        self.LayerNorm = LayerNorm(width, norm_eps)
        self.dropout = Dropout(dropout)

    def forward(self, tokens: Tensor, types: Tensor | None) -> Tensor:
        """(batch, time) -> (batch, time, width)."""
        if types is None:
            types = Tensor(np.zeros(tokens.shape, np.int64))
        elif tensors_only("BertEncoder", types)[0].shape != tokens.shape:
            raise ValueError(f"BertEncoder: expected token_type_ids of shape {tokens.shape}, got {types.shape}")
        positions = self.position_embeddings(Tensor(np.arange(tokens.shape[1])))
        return self.dropout(
            self.LayerNorm(self.word_embeddings(tokens) + self.token_type_embeddings(types) + positions)
        )


class _Block(Module):
    """Attention to all tokens and a network for each, both normalized with what went in."""

    def __init__(self, width: int, heads: int, hidden: int, norm_eps: float, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout_p = heads, dropout
        projections = ModuleDict({name: Linear(width, width) for name in ("query", "key", "value")})
        self.attention = ModuleDict({"self": projections, "output": _around(width, width, norm_eps)})
        self.intermediate = ModuleDict({"dense": Linear(width, hidden)})
        self.output = _around(hidden, width, norm_eps)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """(batch, time, width) -> the same."""
        x = self._added(x, self._attend(x, mask), self.attention["output"])
        return self._added(x, gelu_of(self.intermediate["dense"](x)), self.output)

    def _attend(self, x: Tensor, mask: Tensor | None) -> Tensor:
        projections: Any = self.attention["self"]
        q, k, v = (
            projections[name](x).unflatten(2, (self.heads, -1)).transpose(1, 2) for name in ("query", "key", "value")
        )
        out = scaled_dot_product_attention(q, k, v, mask, self.dropout_p if self.training else 0.0)
        return out.transpose(1, 2).flatten(2)

    def _added(self, x: Tensor, found: Tensor, parts: Any) -> Tensor:
        return parts["LayerNorm"](x + self.dropout(parts["dense"](found)))


def _around(inputs: int, width: int, norm_eps: float) -> ModuleDict:
    return ModuleDict({"dense": Linear(inputs, width), "LayerNorm": LayerNorm(width, norm_eps)})
