"""What an implementation is held against: the core's answers, and how far it may be from them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinytorch import plugins
from tinytorch.core.tensor.op import Op
from tinytorch.plugins import Exactness
from tinytorch.plugins.exactness import declared
from tinytorch.plugins.process import process
from tinytorch.plugins.validation import implemented_ops
from tinytorch.testing.arguments import arrays_in, mapped
from tinytorch.testing.case import Arguments, OpCase
from tinytorch.testing.comparison import arrays_of
from tinytorch.types import Kernel

NARROW = (np.dtype("float16"), np.dtype("float32"))


def implementations(plugin: str) -> dict[str, Any]:
    """The functions of a plugin by the op that they implement; the plugin is loaded."""
    with plugins.using(plugin):
        return dict(implemented_ops(process.state.plugins[plugin]))


def answering(plugin: str, op: str) -> Kernel:
    """The callable that answers an op where the plugin alone is enabled."""
    with plugins.using(plugin):
        return getattr(plugins.table, op)


def contract(case: OpCase, dtype: str) -> Exactness:
    """How far an answer of this dtype may be from the core's, whatever an implementation declares."""
    return Exactness(*case.tolerance.get(dtype, (0.0, 0.0)))


def allowed(case: OpCase, function: Any, dtype: str) -> Exactness:
    """How far an implementation's answers may be: what it declares, but no further than the contract.

    One that is exact is so in every dtype.
    """
    if is_exact(function):
        return Exactness()
    own = (declared(function) or {}).get(dtype)
    limit = contract(case, dtype)
    return limit if own is None else Exactness(min(own.rtol, limit.rtol), min(own.atol, limit.atol))


def is_exact(function: Any) -> bool:
    """Whether an implementation declares to be the core's bit for bit."""
    distances = declared(function)
    return distances is not None and all(each == (0.0, 0.0) for each in distances.values())


def quietly(call: Kernel, arguments: Arguments) -> Any:
    """The answer of a call without numpy's warnings: inf and nan are what it was asked for."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call(*arguments)


def precisely(op: Op, arguments: Arguments) -> Callable[[], Sequence[Any]] | None:
    """What the core answers or writes in float64, where that is asked for: till then nobody may write arguments."""
    if not any(each.dtype in NARROW for each in arrays_in(arguments)):
        return None

    def wide() -> Sequence[Any]:
        widened = mapped(lambda array: array.astype(np.float64 if array.dtype in NARROW else array.dtype), arguments)
        answer = quietly(op.kernel, widened)
        return arrays_in(widened) if op.inplace else arrays_of(answer)

    return wide
