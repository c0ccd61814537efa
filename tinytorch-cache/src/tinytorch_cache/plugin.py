"""The face of the plugin `cache`: what it tells the core."""

from tinytorch.plugins import hookimpl


@hookimpl
def describe() -> str:
    """Say in one sentence what the plugin is for."""
    return "keeps keys and values between generated tokens (nothing yet)"
