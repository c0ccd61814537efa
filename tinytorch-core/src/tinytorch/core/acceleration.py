"""The switch for speed: a plugin's fast kernels, or the core's own.

It works without the plugin too, as long as it stays off.
"""

from tinytorch.plugins.activation import disable, require


def use_optimized_backend(enabled: bool = True) -> None:
    """Answer ops with the kernels of the plugin 'accel', or with `False` no longer; results stay the same.

    Raises PluginError that says what to install where the plugin is missing; turning off is always allowed.
    """
    if enabled:
        require("accel", "the optimized backend")
    else:
        disable("accel")
