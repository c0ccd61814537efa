"""Plugins that prove the seam: each implements every op.

Two are right bit for bit, one of them in another order of memory, one is right within the contract; one declines, one
raises, one lies.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from tinytorch.plugins import close, exact, hookimpl, registry
from tinytorch.plugins.registry import Declared
from tinytorch.testing.arguments import arrays_in, mapped
from tinytorch.testing.comparison import arrays_of
from tinytorch.testing.reference import NARROW, contract, quietly
from tinytorch.testing.table import cases_for
from tinytorch.types import Kernel

NAMES = ("loopback", "decliner", "raiser", "liar")


def make(name: str) -> SimpleNamespace:
    """Make the plugin of that name, for all ops that are declared by now; `plugins.register` takes it."""
    behaviours: dict[str, Callable[[Declared], Kernel]] = {
        "loopback": right,
        "rows": right_in_rows,
        "close": finer,
        "decliner": decline,
        "raiser": fail,
        "liar": lie,
    }
    behaviour, promise = behaviours[name], within_contract if name == "close" else lambda op: exact
    ops = {op.name: implement(op, behaviour(op), promise(op)) for op in registry.ops().values()}
    return SimpleNamespace(__version__="0", **ops)


def implement(op: Declared, function: Kernel, promise: Callable[[Kernel], Kernel] = exact) -> Kernel:
    """Mark a function that takes the op's arguments by position as a plugin's implementation of the op."""

    def implementation(*args: Any) -> Any:
        return function(*args)

    implementation.__wrapped__ = op.kernel  # type: ignore[attr-defined]  # pluggy reads the arguments' names there
    marked: Kernel = hookimpl(promise(implementation))
    return marked


def right(op: Declared) -> Kernel:
    """Answer by the core's kernel."""
    return op.kernel


def right_in_rows(op: Declared) -> Kernel:
    """Answer by the core's kernel, row by row in memory of its own."""

    def copied(*args: Any) -> Any:
        answer = op.kernel(*args)
        parts = [as_rows(each, each) for each in arrays_of(answer)]
        return tuple(parts) if isinstance(answer, tuple) else parts[0]

    return op.kernel if op.inplace else copied


def within_contract(op: Declared) -> Callable[[Kernel], Kernel]:
    """Promise as little as the op's contract allows."""
    limits = {dtype: contract(case, dtype) for case in cases_for(op.name) for dtype in case.tolerance}
    if not any(rtol or atol for rtol, atol in limits.values()):
        return exact
    rtols, atols = ({dtype: limit[part] for dtype, limit in limits.items()} for part in (0, 1))
    return close(rtol=rtols, atol=atols)


def finer(op: Declared) -> Kernel:
    """Answer by the core's kernel in float64, rounded, row by row in memory of its own."""
    if within_contract(op) is exact:  # then the core's own roundings are asked for
        return right_in_rows(op)

    def rounded(*args: Any) -> Any:
        wide = mapped(lambda array: array.astype(np.float64 if array.dtype in NARROW else array.dtype), args)
        answer = quietly(op.kernel, wide)
        if op.inplace:
            for array, new in zip(arrays_in(args), arrays_in(wide), strict=True):
                if array.flags.writeable:
                    array[...] = quietly(new.astype, (array.dtype,))
            return answer
        like = quietly(op.kernel, args)
        parts = [as_rows(each, its) for each, its in zip(arrays_of(answer), arrays_of(like), strict=True)]
        return tuple(parts) if isinstance(answer, tuple) else parts[0]

    return rounded


def as_rows(answer: Any, like: Any) -> Any:
    """An array in the dtype of another, row by row; what is none, as it is."""
    return quietly(partial(np.array, order="C"), (answer, like.dtype)) if isinstance(like, np.ndarray) else answer


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
