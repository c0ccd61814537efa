"""Chapter 13, transformers: attention and small networks in turn, and text from them.

Read rms first, then layers, the classical ones, then sight and blocks, those of today's language models, then
prompts, choosing, generation and, to be quicker, on_arrays.
"""

from tinytorch.core.transformers.blocks import GPTBlock, LlamaBlock
from tinytorch.core.transformers.generation import LanguageModel
from tinytorch.core.transformers.layers import (
    TransformerDecoder,
    TransformerDecoderLayer,
    TransformerEncoder,
    TransformerEncoderLayer,
)
from tinytorch.core.transformers.on_arrays import summed_embeddings, through
from tinytorch.core.transformers.rms import RMSNorm
from tinytorch.core.transformers.rms import rms_normalized as rms_norm
from tinytorch.core.transformers.sight import Cache, KVShape, Sight, causal_mask, checked_mask, sight

__all__ = [
    "Cache",
    "GPTBlock",
    "KVShape",
    "LanguageModel",
    "LlamaBlock",
    "RMSNorm",
    "Sight",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "causal_mask",
    "checked_mask",
    "rms_norm",
    "sight",
    "summed_embeddings",
    "through",
]
