"""KV caching for generation with tinytorch."""

from tinytorch_cache.agreement import Agreement, compare
from tinytorch_cache.kvcache import KVCache, kv_bytes
from tinytorch_cache.prefix import PrefixCache
from tinytorch_cache.quantized import LayerError, QuantizedCache
from tinytorch_cache.sliding import SlidingWindowCache
from tinytorch_cache.static import StaticCache

__version__ = "0.1.0"

__all__ = [
    "Agreement",
    "KVCache",
    "LayerError",
    "PrefixCache",
    "QuantizedCache",
    "SlidingWindowCache",
    "StaticCache",
    "compare",
    "kv_bytes",
]
