"""Which table holds in this thread or task: a ContextVar over the process's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import wraps
from typing import ParamSpec, TypeVar

from tinytorch.plugins.process import process
from tinytorch.types import Kernel

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

override: ContextVar[dict[str, Kernel] | None] = ContextVar("override", default=None)
here = override.get  # bound once, for the calls of ops: asking the variable for its method costs as much again


@contextmanager
def overriding(table: dict[str, Kernel]) -> Iterator[None]:
    """Let this table answer in this thread or task."""
    process.scoped = True
    token = override.set(table)
    try:
        yield
    finally:
        override.reset(token)


def carry(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Bind a function to the context of this moment, for a thread that starts without one.

    `Thread(target=carry(work))` sees the plugins chosen by `using`, and `no_grad`, as they stand here.
    """
    context = copy_context()

    @wraps(function)
    def carried(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        return context.copy().run(function, *args, **kwargs)  # a copy: two threads cannot run in one context

    return carried
