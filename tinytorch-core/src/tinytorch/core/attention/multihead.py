"""Multi-head attention: several attentions at once, each over its own learned view of the tokens.

Vaswani et al. 2017, section 3.2.2. Parameters, their names and the masks' meanings are PyTorch's: here a bool mask is
True where a key is left out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tinytorch.core.attention.functions import attended, scaled_dot_product_attention
from tinytorch.core.layers import Linear, init, linear
from tinytorch.core.module import Module, Parameter
from tinytorch.core.tensor.arithmetic import add
from tinytorch.core.tensor.creation import empty, zeros
from tinytorch.core.tensor.joining import cat
from tinytorch.core.tensor.numbers import real, whole
from tinytorch.core.tensor.promotion import floats_only, tensors_only
from tinytorch.core.tensor.selection import select

if TYPE_CHECKING:
    from tinytorch.core.tensor import Tensor

NAME = "MultiheadAttention"


class MultiheadAttention(Module):
    """Project queries, keys and values, attend in num_heads heads, and project what they found."""

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
    ) -> None:
        super().__init__()
        self.embed_dim, self.num_heads = whole(NAME, "embed_dim", embed_dim, 1), whole(NAME, "num_heads", num_heads, 1)
        if embed_dim % num_heads:
            raise ValueError(f"{NAME}: embed_dim {embed_dim} cannot be divided into {num_heads} heads")
        self.head_dim = embed_dim // num_heads
        self.dropout = real(NAME, "dropout", dropout)
        if not 0.0 <= self.dropout <= 1.0:
            raise ValueError(f"{NAME}: expected a dropout from 0 to 1, got {dropout}")
        self.add_zero_attn, self.batch_first = add_zero_attn, batch_first
        self.kdim = embed_dim if kdim is None else whole(NAME, "kdim", kdim, 1)
        self.vdim = embed_dim if vdim is None else whole(NAME, "vdim", vdim, 1)
        packed = self.kdim == self.vdim == embed_dim
        self._add_weights("in_proj_weight", packed, 3 * embed_dim, embed_dim)
        for name, width in (("q", embed_dim), ("k", self.kdim), ("v", self.vdim)):
            self._add_weights(f"{name}_proj_weight", not packed, embed_dim, width)
        self._add_weights("in_proj_bias", bias, 3 * embed_dim)
        self.out_proj = Linear(embed_dim, embed_dim, bias=bias)
        for name in ("bias_k", "bias_v"):
            self._add_weights(name, add_bias_kv, 1, 1, embed_dim)
        self.reset_parameters()

    def _add_weights(self, name: str, wanted: bool, *shape: int) -> None:
        self.register_parameter(name, Parameter(empty(*shape)) if wanted else None)

    def reset_parameters(self) -> None:
        """Draw the weights anew: Xavier's distribution, biases 0."""
        for name, parameter in self.named_parameters(recurse=False):
            if name.endswith("weight"):
                init.xavier_uniform_(parameter)
            elif name == "in_proj_bias":
                init.zeros_(parameter)
            else:
                init.xavier_normal_(parameter)
        if self.out_proj.bias is not None:
            init.zeros_(self.out_proj.bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """(time, batch, embed_dim), or batch first, or without batch -> the same, and the weights (batch, time, keys).

        key_padding_mask (batch, keys) and attn_mask (time, keys) or (batch * heads, time, keys) are True where a key is
        left out, or floats that are added. is_causal says that attn_mask is the causal one. Without need_weights the
        weights are None; without average_attn_weights they come by head. A query that sees nothing gets zeros.
        """
        batched = self._check_inputs(query, key, value)
        if is_causal and attn_mask is None:
            raise ValueError(f"{NAME}: is_causal describes attn_mask, which is missing")
        q, k, v = self._projected(*(self._turned(x) if batched else x.unsqueeze(0) for x in (query, key, value)))
        mask = self._mask(q, k, key_padding_mask, attn_mask)
        q, k, v, mask = self._extended(q, k, v, mask)
        out, weights = self._attend(q, k, v, mask, need_weights)
        out = self.out_proj(out.transpose(1, 2).flatten(2))
        if weights is not None and average_attn_weights:
            weights = weights.mean(1)
        if batched:
            return self._turned(out), weights
        return out.squeeze(0), None if weights is None else weights.squeeze(0)

    def _check_inputs(self, query: Any, key: Any, value: Any) -> bool:
        """Raise for inputs that do not fit; whether they have a batch dimension."""
        for what, x, width in (("query", query, self.embed_dim), ("key", key, self.kdim), ("value", value, self.vdim)):
            floats_only(NAME, x)
            if x.ndim not in (2, 3) or x.shape[-1] != width:
                raise ValueError(f"{NAME}: expected a {what} of width {width} and 2 or 3 dimensions, got {x.shape}")
        if not query.ndim == key.ndim == value.ndim or key.shape[:-1] != value.shape[:-1]:
            raise ValueError(f"{NAME}: query {query.shape}, key {key.shape} and value {value.shape} do not fit")
        batch = 0 if self.batch_first else 1
        if query.ndim == 3 and query.shape[batch] != key.shape[batch]:
            raise ValueError(f"{NAME}: query {query.shape} and key {key.shape} differ in batch size")
        return bool(query.ndim == 3)

    def _turned(self, x: Tensor) -> Tensor:
        """Batch first, or from there back: the two differ by one exchange."""
        return x if self.batch_first else x.transpose(0, 1)

    def _projected(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Queries, keys and values of all heads: (batch, time, width) -> (batch, heads, time, width of a head)."""
        size, packed, bias = self.num_heads * self.head_dim, self.in_proj_weight, self.in_proj_bias
        own = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        weights = own if packed is None else [packed[i * size : (i + 1) * size] for i in range(3)]
        biases = [None if bias is None else bias[i * size : (i + 1) * size] for i in range(3)]
        return tuple(self._by_head(linear(*each)) for each in zip(inputs, weights, biases, strict=True))

    def _by_head(self, x: Tensor) -> Tensor:
        return x.unflatten(2, (self.num_heads, -1)).transpose(1, 2)

    def _mask(self, q: Tensor, k: Tensor, padding: Tensor | None, attn_mask: Tensor | None) -> Tensor | None:
        """Both masks as one of floats to be added, which broadcasts to (batch, heads, time, keys)."""
        batch, heads, time, keys = *q.shape[:3], k.shape[2]
        mask = None
        if attn_mask is not None:
            if tensors_only(NAME, attn_mask)[0].shape not in ((time, keys), (batch * heads, time, keys)):
                expected = f"({time}, {keys}) or ({batch * heads}, {time}, {keys})"
                raise ValueError(f"{NAME}: expected attn_mask of shape {expected}, got {attn_mask.shape}")
            mask = _as_added(attn_mask, q).reshape(*((1, 1) if attn_mask.ndim == 2 else (batch, heads)), time, keys)
        if padding is not None:
            if tensors_only(NAME, padding)[0].shape not in ((batch, keys), *([(keys,)] if batch == 1 else [])):
                raise ValueError(f"{NAME}: expected key_padding_mask of shape ({batch}, {keys}), got {padding.shape}")
            added = _as_added(padding, q).reshape(batch, 1, 1, keys)
            mask = added if mask is None else add(mask, added)
        return mask

    def _extended(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """Keys and values with the learned one and the one of zeros at their end, if there are such."""
        batch, heads, _, width = q.shape
        size = heads * width
        for wanted, more_k, more_v in (
            (self.bias_k is not None, self.bias_k, self.bias_v),
            (
                self.add_zero_attn,
                zeros(1, 1, size, dtype=q.dtype),
                zeros(1, 1, size, dtype=q.dtype),
            ),
        ):
            if wanted:
                k, v = (
                    cat([x, self._by_head(more).expand(batch, heads, 1, width)], 2)
                    for x, more in ((k, more_k), (v, more_v))
                )
                mask = None if mask is None else cat([mask, zeros(*mask.shape[:3], 1, dtype=mask.dtype)], 3)
        return q, k, v, mask

    def _attend(
        self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, need_weights: bool
    ) -> tuple[Tensor, Tensor | None]:
        dropout_p = self.dropout if self.training else 0.0
        if need_weights:
            return attended(q, k, v, mask, False, 1.0 / math.sqrt(q.shape[-1]), dropout_p)
        return scaled_dot_product_attention(q, k, v, mask, dropout_p), None


def _as_added(mask: Tensor, q: Tensor) -> Tensor:
    """A mask as floats that are added to scores: bools are -inf where True."""
    if mask.dtype.kind == "b":
        return select(mask, -math.inf, zeros((), dtype=q.dtype))
    return floats_only(NAME, mask)[0].to(q.dtype)
