"""A plugin that answers `add` with a number of its own, and who answers now."""

import numpy as np

from tinytorch import plugins
from tinytorch.plugins import hookimpl


def answering(number):
    """Make an implementation of `add` that always answers this number."""
    return hookimpl(lambda a: np.full_like(a, number))


def asked():
    """Return who answers `add` here: the number of a plugin made by `answering`, 2 for the core."""
    return int(plugins.table.add(np.ones(2), np.ones(2))[0])
