"""Shadow mode: every op of a real program runs twice, by the plugins and by the core, until the two differ."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import tinytorch
from tinytorch import plugins
from tinytorch.plugins import Exactness, Instrument, instrumented
from tinytorch.testing.arguments import arrays_in, copied, described
from tinytorch.testing.comparison import mismatch
from tinytorch.testing.conduct import unequal
from tinytorch.testing.reference import allowed, implementations, precisely, quietly
from tinytorch.testing.table import cases_for
from tinytorch.types import Kernel

HERE = str(Path(tinytorch.__file__).parent)


class ShadowError(AssertionError):
    """An op gave something else than the core; the message names op, inputs and the line that called it."""


@contextmanager
def shadow(*names: str) -> Iterator[None]:
    """Use these plugins inside the block, and raise ShadowError at the first answer that is not the core's.

    Every op runs twice, in this thread or task: it is for finding a mistake, not for training. An answer may be as far
    from the core's as the op's contract allows, however much further the plugin declares to be.
    """
    with plugins.using(*names), instrumented(_Shadow(names)):
        yield


class _Shadow(Instrument):
    """Stands around every op of the core that one of the plugins implements."""

    name = "shadow"

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names

    def wrap_op(self, op: Any, call: Kernel) -> Kernel | None:
        """Call both, and compare."""
        functions = [mine[op.name] for mine in map(implementations, self.names) if op.name in mine]
        return _compared(op, call, functions) if functions and cases_for(op.name) else None


def _compared(op: Any, call: Kernel, functions: list[Any]) -> Kernel:
    def both(*arguments: Any) -> Any:
        expected = copied(arguments)
        core = quietly(op.kernel, expected if op.inplace else arguments)  # in the same memory: sums go in its order
        precise = precisely(op, expected)
        mine = call(*arguments)
        distance = _distance(op, functions, arguments)
        if op.inplace:
            message = mismatch(arrays_in(arguments), arrays_in(expected), distance)
        else:
            message = "writes its inputs" if unequal(arrays_in(arguments), arrays_in(expected)) else ""
        if message := message or mismatch(mine, core, distance, precise):
            where = _line(inspect.currentframe())
            raise ShadowError(f"{op.name}: {message} ({described(expected)}), called in {where}")
        return mine

    return both


def _distance(op: Any, functions: list[Any], arguments: Any) -> Exactness:
    """The widest that one of the implementations is allowed, for the dtype of the first array."""
    dtype = str(next((each.dtype for each in arrays_in(arguments) if each.dtype.kind == "f"), "float32"))
    distances = [allowed(case, function, dtype) for function in functions for case in cases_for(op.name)]
    return max(distances, default=Exactness())


def _line(frame: FrameType | None) -> str:
    """The innermost line outside this package."""
    while frame is not None and frame.f_code.co_filename.startswith(HERE):
        frame = frame.f_back
    return "an unknown line" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"
