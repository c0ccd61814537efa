"""The face of the plugin `profiling`: what it tells the core."""

from tinytorch.plugins import hookimpl


@hookimpl
def describe() -> str:
    """Say in one sentence what the plugin is for."""
    return "shows where time and memory go (nothing yet)"
