"""Plugins that prove the seam: each implements every op; one is right, one declines, one raises, one lies."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from tinytorch.plugins import exact, hookimpl, registry
from tinytorch.plugins.registry import Declared
from tinytorch.types import Kernel

NAMES = ("loopback", "decliner", "raiser", "liar")


def make(name: str) -> SimpleNamespace:
    """Make the plugin of that name, for all ops that are declared by now; `plugins.register` takes it."""
    behaviour: Callable[[Declared], Kernel] = {"loopback": right, "decliner": decline, "raiser": fail, "liar": lie}[
        name
    ]
    ops = {op.name: implement(op, behaviour(op)) for op in registry.ops().values()}
    return SimpleNamespace(__version__="0", **ops)


def implement(op: Declared, function: Kernel) -> Kernel:
    """Mark a function that takes the op's arguments by position as a plugin's exact implementation of the op."""

    def implementation(*args: Any) -> Any:
        return function(*args)

    implementation.__wrapped__ = op.kernel  # type: ignore[attr-defined]  # pluggy reads the arguments' names there
    marked: Kernel = hookimpl(exact(implementation))
    return marked


def right(op: Declared) -> Kernel:
    """Answer by the core's kernel."""
    return op.kernel


def decline(op: Declared) -> Kernel:
    """Answer nothing."""
    return lambda *args: None


def fail(op: Declared) -> Kernel:
    """Raise, as a plugin with a mistake in it does."""

    def raising(*args: Any) -> Any:
        raise ArithmeticError(f"{op.name} of the raiser")

    return raising


def lie(op: Declared) -> Kernel:
    """Answer with numbers that are slightly wrong."""
    if op.inplace:
        return lambda *args: True  # it has done nothing
    return lambda *args: wrong(op.kernel(*args))


def wrong(out: Any) -> Any:
    """Give wrong numbers in the shape and dtype of the right ones."""
    if isinstance(out, tuple):
        return tuple(wrong(each) for each in out)
    out = np.array(out)
    return ~out if out.dtype == bool else (out + np.ones((), out.dtype)).astype(out.dtype)
