"""Standing around ops for a while: a plugin that is registered for a block and gone after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from types import SimpleNamespace
from typing import Any

from tinytorch import plugins
from tinytorch.plugins import hookimpl
from tinytorch.types import Kernel

_numbers = count()  # two that watch at once, nested or in two threads, must not replace each other


@contextmanager
def watching(name: str, wrap_op: Callable[[Any, Kernel], Kernel | None]) -> Iterator[str]:
    """Register a plugin that stands around ops, and give the name it has: the one asked for, with a number."""
    name = f"{name}-{next(_numbers)}"
    plugins.register(SimpleNamespace(wrap_op=hookimpl(wrap_op)), name)
    try:
        yield name
    finally:
        plugins.unregister(name)
