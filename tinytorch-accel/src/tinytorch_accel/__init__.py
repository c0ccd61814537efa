"""Fast kernels for tinytorch's ops."""

__version__ = "0.1.0"
