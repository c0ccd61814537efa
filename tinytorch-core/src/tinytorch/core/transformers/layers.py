"""The layers of "Attention is all you need" (Vaswani et al. 2017, figure 1), with PyTorch's names and options.

A layer is attention and a small network for each token, each with a way around it; norm_first normalizes what goes in
(Xiong et al. 2020) instead of what comes out.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from tinytorch.core.activations.functions import gelu_of, relu_with_inplace
from tinytorch.core.attention import MultiheadAttention
from tinytorch.core.layers import Dropout, LayerNorm, Linear, ModuleList
from tinytorch.core.module import Module
from tinytorch.core.tensor.numbers import whole
from tinytorch.core.tensor.promotion import floats_only

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinytorch.core.tensor import Tensor

    Activation = str | Callable[[Tensor], Tensor]

NAMED: dict[str, Any] = {"relu": relu_with_inplace, "gelu": gelu_of}


class _Layer(Module):
    """What encoder and decoder layers share: attention to themselves and the feed-forward network."""

    parts = 2  # with a norm and a way around each

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if not callable(activation) and (not isinstance(activation, str) or activation not in NAMED):
            raise ValueError(f"{type(self).__name__}: expected 'relu', 'gelu' or a function, got {activation!r}")
        self.activation: Callable[[Tensor], Tensor] = NAMED[activation] if isinstance(activation, str) else activation
        self.norm_first = norm_first
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first)
        self._add_attention(d_model, nhead, dropout, bias, batch_first)
        self.linear1 = Linear(d_model, dim_feedforward, bias)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias)
        for number in range(1, self.parts + 1):
            self.add_module(f"norm{number}", LayerNorm(d_model, layer_norm_eps, bias=bias))
        for number in range(1, self.parts + 1):
            self.add_module(f"dropout{number}", Dropout(dropout))

    def _add_attention(self, d_model: int, nhead: int, dropout: float, bias: bool, batch_first: bool) -> None:
        """Add further attention where the class has some."""

    def _around(self, number: int, part: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        """The part's answer on top of its input, one of them normalized."""
        norm, dropout = getattr(self, f"norm{number}"), getattr(self, f"dropout{number}")
        return x + dropout(part(norm(x))) if self.norm_first else norm(x + dropout(part(x)))

    def _feed_forward(self, x: Tensor) -> Tensor:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


class TransformerEncoderLayer(_Layer):
    """Every token attends to all, then passes through the feed-forward network."""

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """(time, batch, d_model), or batch first -> the same; masks as MultiheadAttention takes them."""
        floats_only("TransformerEncoderLayer", src)

        def attend(x: Tensor) -> Tensor:
            return self.self_attn(x, x, x, src_key_padding_mask, False, src_mask, is_causal=is_causal)[0]

        return self._around(2, self._feed_forward, self._around(1, attend, src))


class TransformerDecoderLayer(_Layer):
    """As the encoder's, with attention to what the encoder gave in between."""

    parts = 3

    def _add_attention(self, d_model: int, nhead: int, dropout: float, bias: bool, batch_first: bool) -> None:
        self.multihead_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first)

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """tgt (time, batch, d_model) and memory (keys, batch, d_model), or batch first -> tgt's shape."""
        floats_only("TransformerDecoderLayer", tgt)

        def attend(x: Tensor) -> Tensor:
            return self.self_attn(x, x, x, tgt_key_padding_mask, False, tgt_mask, is_causal=tgt_is_causal)[0]

        def look_up(x: Tensor) -> Tensor:
            return self.multihead_attn(
                x, memory, memory, memory_key_padding_mask, False, memory_mask, is_causal=memory_is_causal
            )[0]

        x = self._around(2, look_up, self._around(1, attend, tgt))
        return self._around(3, self._feed_forward, x)


class _Stack(Module):
    """Copies of a layer, one after the other, and a norm at the end if there is one."""

    def __init__(self, layer: Module, num_layers: int, norm: Module | None) -> None:
        super().__init__()
        count = whole(type(self).__name__, "num_layers", num_layers, least=0)
        self.layers = ModuleList([copy.deepcopy(layer) for _ in range(count)])
        self.num_layers = count
        self.add_module("norm", norm)

    def _through(self, x: Tensor, *inputs: Any, **masks: Any) -> Tensor:
        for layer in self.layers:
            x = layer(x, *inputs, **masks)
        return x if self.norm is None else self.norm(x)


class TransformerEncoder(_Stack):
    """num_layers copies of an encoder layer."""

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__(encoder_layer, num_layers, norm)

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """(time, batch, d_model), or batch first -> the same."""
        return self._through(src, src_mask=mask, src_key_padding_mask=src_key_padding_mask, is_causal=is_causal)


class TransformerDecoder(_Stack):
    """num_layers copies of a decoder layer."""

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__(decoder_layer, num_layers, norm)

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """tgt (time, batch, d_model) and memory (keys, batch, d_model), or batch first -> tgt's shape."""
        return self._through(
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )
