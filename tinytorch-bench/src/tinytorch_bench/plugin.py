"""The face of the plugin `bench`: what it tells the core."""

from tinytorch.plugins import hookimpl


@hookimpl
def describe() -> str:
    """Say in one sentence what the plugin is for."""
    return "measures tinytorch beside other frameworks; it changes nothing while it is enabled"
