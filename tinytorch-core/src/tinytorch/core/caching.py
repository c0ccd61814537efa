"""The switch for generation: keep each token's keys and values, or compute them again for every new token.

It works without the plugin too, as long as it stays off.
"""

from tinytorch.plugins.activation import disable, require


def enable_kv_caching() -> None:
    """Let the plugin 'cache' keep keys and values while text is generated: the same tokens, sooner.

    Raises PluginError that says what to install where the plugin is missing.
    """
    require("cache", "KV caching")


def disable_kv_caching() -> None:
    """Compute all keys and values for every new token; always allowed."""
    disable("cache")
