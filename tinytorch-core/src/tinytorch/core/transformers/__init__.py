"""Chapter 13, transformers: attention and small networks in turn, and text from them.

Read rms first, then layers, the classical ones, then blocks, those of today's language models, then generation.
"""

from tinytorch.core.transformers.blocks import Cache, GPTBlock, LlamaBlock, Sight, sight
from tinytorch.core.transformers.generation import LanguageModel
from tinytorch.core.transformers.layers import (
    TransformerDecoder,
    TransformerDecoderLayer,
    TransformerEncoder,
    TransformerEncoderLayer,
)
from tinytorch.core.transformers.rms import RMSNorm
from tinytorch.core.transformers.rms import rms_normalized as rms_norm

__all__ = [
    "Cache",
    "GPTBlock",
    "LanguageModel",
    "LlamaBlock",
    "RMSNorm",
    "Sight",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "rms_norm",
    "sight",
]
