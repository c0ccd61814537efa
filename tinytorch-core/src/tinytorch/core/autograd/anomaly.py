"""Finding where a nan or inf first appears: what every op gives is looked at, in forward, backward and step."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.plugins import Instrument, instrumented
from tinytorch.plugins.instruments import watching

if TYPE_CHECKING:
    from tinytorch.plugins.registry import Declared
    from tinytorch.types import Kernel

PACKAGE = __name__.partition(".")[0]
COMMAND = f"{PACKAGE}.cli"


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Raise FloatingPointError at the first op that gives nan, or inf from finite inputs, naming op and calling line.

    An inf that comes in is let through: a mask of -inf is meant. It holds in this thread or task; outside the block
    nothing is slower and nothing is left.
    """
    watched = any(isinstance(each, _Judge) for each in watching())
    with nullcontext() if watched else instrumented(_Judge()):
        yield


class _Judge(Instrument):
    """Looks at what comes out of every op."""

    name = "detect_anomaly"

    def wrap_op(self, op: Declared, call: Kernel) -> Kernel:
        """Judge what the call gives."""

        def watched(*args: Any) -> Any:
            came_in = op.inplace and bool(_strange(args))  # asked before they are written
            out = call(*args)
            if strange := _strange(args if op.inplace else out):
                _judge(op, args, strange, came_in=came_in or (not op.inplace and bool(_strange(args))))
            return out

        return watched


def _judge(op: Declared, args: tuple[Any, ...], strange: list[Any], *, came_in: bool) -> None:
    """Raise for nan, and for inf unless one came in."""
    kind = "nan" if any(np.isnan(each).any() for each in strange) else "inf"
    if kind == "inf" and came_in:
        return
    shapes = ", ".join(str(each.shape) for each in _flat(args) if hasattr(each, "shape"))
    where = f"written into shape {np.shape(strange[0])}" if op.inplace else f"in the result of inputs {shapes}"
    origin = "which came in with its inputs" if came_in else "from finite inputs"
    raise FloatingPointError(f"{op.name}: {kind} {where}, {origin}{_calling_line()}")


def _strange(values: Any) -> list[Any]:
    """The float arrays and numbers among them that are not finite throughout."""
    return [each for each in _flat(values) if _is_float(each) and not np.isfinite(each).all()]


def _flat(values: Any) -> Iterator[Any]:
    """What stands in tuples and lists, however deep."""
    if isinstance(values, tuple | list):
        for each in values:
            yield from _flat(each)
    else:
        yield values


def _is_float(value: Any) -> bool:
    return isinstance(value, float) or getattr(value, "dtype", np.dtype(bool)).kind == "f"


def _calling_line() -> str:
    """The innermost line outside the framework; nothing where the command line runs, whose caller wrote none."""
    frame, name = sys._getframe(), PACKAGE
    while frame.f_back is not None and name.partition(".")[0] == PACKAGE:
        inside, frame = name, frame.f_back
        name = frame.f_globals.get("__name__", "")
    return "" if inside.startswith(COMMAND) else f", at {frame.f_code.co_filename}:{frame.f_lineno}"
