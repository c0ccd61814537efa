"""Smaller models for tinytorch: pruning, low rank, distillation."""

__version__ = "0.1.0"
