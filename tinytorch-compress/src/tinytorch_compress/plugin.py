"""The face of the plugin `compress`: what it tells the core."""

from tinytorch.plugins import hookimpl


@hookimpl
def describe() -> str:
    """Say in one sentence what the plugin is for."""
    return "prunes, factorizes and distils models (nothing yet)"
