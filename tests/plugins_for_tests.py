"""Plugins to prove the seam: four that implement every op, right, declining, raising and lying; and one number."""

from types import SimpleNamespace

import numpy as np

from tinytorch import plugins
from tinytorch.plugins import exact, hookimpl, registry

NAMES = ("loopback", "decliner", "raiser", "liar")


def make(name):
    """Make the plugin of that name, for all ops that are declared by now."""
    behaviour = {"loopback": right, "decliner": decline, "raiser": fail, "liar": lie}[name]
    ops = {op.name: implement(op, behaviour(op)) for op in registry.ops().values()}
    return SimpleNamespace(__version__="0", **ops)


def implement(op, function):
    """Mark a function that takes the op's arguments by position as a plugin's implementation of the op."""

    def implementation(*args):
        return function(*args)

    implementation.__wrapped__ = op.kernel  # for pluggy, which reads the names of the arguments there
    return hookimpl(exact(implementation))


def right(op):
    """Answer by the core's kernel."""
    return op.kernel


def decline(op):
    """Answer nothing."""
    return lambda *args: None


def fail(op):
    """Raise, as a plugin with a mistake in it does."""

    def raising(*args):
        raise ArithmeticError(f"{op.name} of the raiser")

    return raising


def lie(op):
    """Answer with numbers that are slightly wrong."""
    if op.inplace:
        return lambda *args: True  # it has done nothing
    return lambda *args: wrong(op.kernel(*args))


def wrong(out):
    """Give wrong numbers in the shape and dtype of the right ones."""
    if isinstance(out, tuple):
        return tuple(wrong(each) for each in out)
    out = np.array(out)
    return ~out if out.dtype == bool else (out + np.ones((), out.dtype)).astype(out.dtype)


def answering(number):
    """Make an implementation of `add` that always answers this number."""
    return hookimpl(lambda a: np.full_like(a, number))


def asked():
    """Return who answers `add` here: the number of a plugin made by `answering`, 2 for the core."""
    return int(plugins.table.add(np.ones(2), np.ones(2))[0])
