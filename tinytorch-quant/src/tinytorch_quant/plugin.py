"""The face of the plugin `quant`: what it tells the core."""

from tinytorch.plugins import hookimpl


@hookimpl
def describe() -> str:
    """Say in one sentence what the plugin is for."""
    return "stores and computes in INT8 and fewer bits (nothing yet)"
