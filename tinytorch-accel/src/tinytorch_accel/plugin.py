"""The face of the plugin `accel`: what it tells the core."""

from tinytorch.plugins import hookimpl


@hookimpl
def describe() -> str:
    """Say in one sentence what the plugin is for."""
    return "fast kernels for the core's ops (none yet)"
