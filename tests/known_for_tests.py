"""A plugin of this project known by its name, also where its distribution is not installed."""

from contextlib import contextmanager

from tinytorch import plugins


@contextmanager
def known(name, plugin):
    """Register the plugin for a block, and do not enable it; it is disabled at the end."""
    installed = name in {found.name for found in plugins.list()}
    if not installed:
        plugins.register(plugin, name)
    try:
        yield
    finally:
        plugins.disable(name)
        if not installed:
            plugins.unregister(name)
