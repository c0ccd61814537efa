"""Finding where a nan or inf first appears: every op's result is looked at, forward and backward."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch import plugins
from tinytorch.plugins.activation import current
from tinytorch.plugins.hooks import hookimpl

if TYPE_CHECKING:
    from tinytorch.types import Kernel

PACKAGE = __name__.partition(".")[0]


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Raise FloatingPointError at the first op that gives nan, or inf from finite inputs, naming op and calling line.

    An inf that comes in is let through: a mask of -inf is meant. An instrument like any plugin's: outside the block
    nothing is slower.
    """
    plugins.register(_Anomaly(), "detect_anomaly")
    with plugins.using("detect_anomaly", *current().selection):
        yield


class _Anomaly:
    """The instrument, as a plugin."""

    @hookimpl
    def wrap_op(self, op: Any, call: Kernel) -> Kernel:
        def checked(*args: Any) -> Any:
            out = call(*args)
            for each in out if type(out) is tuple else (out,):
                if _is_float(each) and not np.isfinite(each).all():
                    _look(op.name, args, each)
            return out

        return checked


def _is_float(out: Any) -> bool:
    return getattr(out, "dtype", np.dtype(bool)).kind == "f"


def _look(name: str, args: tuple[Any, ...], out: Any) -> None:
    """Raise for nan, and for inf unless one came in."""
    kind = "nan" if np.isnan(out).any() else "inf"
    arrays = [arg for arg in args if isinstance(arg, np.ndarray)]
    came_in = any(_is_float(array) and not np.isfinite(array).all() for array in arrays)
    if kind == "inf" and came_in:
        return
    shapes = ", ".join(str(array.shape) for array in arrays)
    origin = "which came in with its inputs" if came_in else "from finite inputs"
    raise FloatingPointError(f"{name}: {kind} in the result of inputs {shapes}, {origin}, at {_caller()}")


def _caller() -> str:
    """The innermost line outside the framework."""
    frame = sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == PACKAGE:
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
