"""Models in INT8 and fewer bits for tinytorch."""

__version__ = "0.1.0"
