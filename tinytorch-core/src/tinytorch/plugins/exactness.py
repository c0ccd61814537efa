"""How near an implementation stays to the core's kernel: bit for bit, or within a declared distance."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from tinytorch.types import Kernel

Function = TypeVar("Function", bound=Kernel)


class Exactness(NamedTuple):
    """`|mine - core's| <= atol + rtol * |core's|`; both zero means bit for bit."""

    rtol: float = 0.0
    atol: float = 0.0

    def __str__(self) -> str:
        return "exact" if not (self.rtol or self.atol) else f"close (rtol {self.rtol:g}, atol {self.atol:g})"


def exact(function: Function) -> Function:
    """Declare that the implementation equals the core's kernel bit for bit."""
    return _declare(function, {"float32": Exactness(), "float64": Exactness()})


def close(
    *, rtol: dict[str, float] | float = 0.0, atol: dict[str, float] | float = 0.0
) -> Callable[[Function], Function]:
    """Declare how far it may be from the core's kernel: one number, or one for each dtype by name."""
    dtypes = sorted({*(rtol if isinstance(rtol, dict) else ()), *(atol if isinstance(atol, dict) else ())})
    distances = {
        dtype: Exactness(_for_dtype(rtol, dtype), _for_dtype(atol, dtype)) for dtype in dtypes or ("float32", "float64")
    }
    return lambda function: _declare(function, distances)


def declared(function: Kernel) -> dict[str, Exactness] | None:
    """Return the declared distances by dtype name, None for an implementation that declares nothing."""
    return getattr(function, "tinytorch_exactness", None)


def _for_dtype(tolerance: dict[str, float] | float, dtype: str) -> float:
    return tolerance.get(dtype, 0.0) if isinstance(tolerance, dict) else float(tolerance)


def _declare(function: Function, distances: dict[str, Exactness]) -> Function:
    function.tinytorch_exactness = distances  # type: ignore[attr-defined]  # a function carries what it promises
    return function
