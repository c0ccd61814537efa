"""Measurement of time, memory and FLOPs for tinytorch."""

__version__ = "0.1.0"
