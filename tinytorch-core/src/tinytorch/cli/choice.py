"""`--plugins`: which plugins a run uses, instead of what the configuration says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from tinytorch import plugins
from tinytorch.plugins.activation import current

PluginsOption = Annotated[
    str | None,
    typer.Option(
        "--plugins",
        metavar="A,B",
        help='Exactly these plugins, the first is asked first; "" is the core alone, "all" all that is installed. '
        "Without it, TINYTORCH_PLUGINS and then the configuration decide.",
    ),
]


@contextmanager
def chosen(names: str | None) -> Iterator[tuple[str, ...]]:
    """Use the plugins of the option, or of the configuration where it is None; give their names.

    Raises PluginError for one that is missing or broken, before anything else is done.
    """
    if names is None:
        yield tuple(current().selection)
        return
    with plugins.using(*filter(None, (name.strip() for name in names.split(",")))):
        yield tuple(current().selection)
