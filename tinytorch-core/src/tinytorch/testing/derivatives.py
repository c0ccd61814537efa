"""Trying derivatives: first ones as training takes them, and second ones, of an op composed as it is."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinytorch import plugins
from tinytorch.plugins import Exactness, Instrument, instrumented
from tinytorch.testing.arguments import described
from tinytorch.testing.case import NEAR, Arguments, OpCase
from tinytorch.testing.comparison import arrays_of, difference, mismatch
from tinytorch.testing.finding import Examination
from tinytorch.testing.reference import quietly
from tinytorch.testing.slopes import slopes
from tinytorch.testing.table import cases_for
from tinytorch.types import Array, Kernel

COMPOSED = 10.0  # times an op's own distance: a derivative is a composition of a few ops


def try_derivatives(found: Examination, plugin: str, exact: bool, draws: int, seed: int) -> None:
    """First derivatives as training takes them, and second ones, of the op composed as it is."""
    for case in cases_for(found.op):
        if case.declared().derivative is None or case.order == 0:
            continue
        for dtype in [each for each in case.dtypes if np.dtype(each).kind == "f"]:
            rng = np.random.default_rng([seed, 1])
            distance = Exactness() if exact else Exactness(*[COMPOSED * each for each in NEAR[dtype]])
            for _ in range(draws):
                arguments = case.sample(rng, np.dtype(dtype))
                _try_slopes(found, plugin, case, arguments, distance)


def _try_slopes(found: Examination, plugin: str, case: OpCase, arguments: Arguments, distance: Exactness) -> None:
    function, arrays = case.differentiable(arguments)
    with plugins.using():
        core = slopes(function, arrays, case.order)

    def precisely() -> list[Array]:
        with plugins.using():
            return slopes(function, [array.astype(np.float64) for array in arrays], case.order)

    with plugins.using(plugin):
        try:
            mine = slopes(function, arrays, case.order)
        except Exception as error:  # noqa: BLE001  whatever a plugin raises is the finding
            found.note("derivatives", f"raises {type(error).__name__}: {error} ({described(arguments)})")
            return
    found.tried += 1
    message = mismatch(mine, core, distance, precisely)
    if message and distance == Exactness():  # sums go in the order of memory, which is a plugin's own
        with plugins.using(plugin), instrumented(_CoresOrder()):
            mine = slopes(function, arrays, case.order)
        message = mismatch(mine, core, distance)
    if message:
        found.note("derivatives", f"its derivatives: {message} ({described(arguments)})")
    found.difference = max(found.difference, difference(mine, core))


class _CoresOrder(Instrument):
    """Lays answers out in memory as the core's are."""

    name = "the core's order"

    def wrap_op(self, op: Any, call: Kernel) -> Kernel | None:
        """Copy what the call gives into memory of the core's order."""

        def laid_out(*arguments: Any) -> Any:
            core, mine = quietly(op.kernel, arguments), call(*arguments)
            parts = [_as(a, b) for a, b in zip(arrays_of(mine), arrays_of(core), strict=False)]
            return tuple(parts) if isinstance(mine, tuple) else parts[0]

        return None if op.inplace else laid_out


def _as(mine: Any, core: Any) -> Any:
    if not isinstance(core, np.ndarray) or not isinstance(mine, np.ndarray) or mine.shape != core.shape:
        return mine
    out = np.empty_like(core, mine.dtype)
    out[...] = mine
    return out
