"""Implementations that are compiled: called without a Python function around them.

pluggy takes Python functions alone, for it reads their arguments' names; a compiled function has none to read. So a
plugin writes the arguments in Python and says what answers. Most of a small op's time is the way to it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from tinytorch.types import Kernel


def answered_by(kernel: Kernel) -> Callable[[Kernel], Kernel]:
    """Have `kernel` answer in place of a function without a body, which says what the arguments are.

    It takes them by position, in the function's order. The table calls it directly.
    """

    def decorate(function: Kernel) -> Kernel:
        @functools.wraps(function)
        def call(*args: Any) -> Any:
            return kernel(*args)

        call.tinytorch_kernel = kernel  # type: ignore[attr-defined]  # a function carries what answers for it
        return call

    return decorate


def answering(function: Kernel) -> Kernel:
    """Return what answers for an implementation: itself, if no other does."""
    kernel: Kernel = getattr(function, "tinytorch_kernel", function)
    return kernel
