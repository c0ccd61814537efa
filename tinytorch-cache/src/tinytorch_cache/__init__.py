"""KV caching for generation with tinytorch."""

__version__ = "0.1.0"
