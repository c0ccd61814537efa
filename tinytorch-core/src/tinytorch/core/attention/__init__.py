"""Chapter 12, attention: what a token takes from the others.

Read scaled first, the op itself, then functions, then multihead, the layer that learns what to ask for.
"""

from tinytorch.core.attention.functions import scaled_dot_product_attention
from tinytorch.core.attention.multihead import MultiheadAttention

__all__ = ["MultiheadAttention", "scaled_dot_product_attention"]
