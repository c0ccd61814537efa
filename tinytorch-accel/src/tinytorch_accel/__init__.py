"""Fast kernels for tinytorch's ops, compiled C++ that the plugin `accel` brings into them."""

from tinytorch_accel.backend import AcceleratedBackend, memory, release_memory

__version__ = "0.1.0"

__all__ = ["AcceleratedBackend", "memory", "release_memory"]
