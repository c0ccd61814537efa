"""Checking derivatives against finite differences.

A derivative of many numbers with respect to many is a matrix; its product with two random vectors is one number that is
wrong, almost surely, where any element is. Both ways to that number cost a few calls, whatever the sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinytorch.core.autograd.engine import grad
from tinytorch.core.tensor.tensor import Tensor
from tinytorch.types import Array

Function = Callable[..., Any]
Scalar = Callable[[Sequence[Array]], Tensor]  # of leaves made from these arrays

STEP = 1e-6  # in float64: rounding costs 1e-10 of the value, truncation 1e-12 of the third derivative


def check_gradient(
    function: Function,
    inputs: Sequence[Array],
    order: int = 1,
    *,
    name: str = "",
    seed: int = 0,
    rtol: float = 1e-5,
    atol: float = 1e-6,
) -> None:
    """Raise AssertionError where the derivatives of `function(*tensors)` differ from finite differences.

    The inputs are taken as float64; of a tuple of outputs the first counts. `order=2` checks the first derivatives and
    then theirs, with respect to the inputs and to the gradient that arrives; `order=3` once more.
    """
    rng = np.random.default_rng(seed)
    arrays = [np.array(each, np.float64) for each in inputs]
    weight = np.asarray(rng.standard_normal(_first(function(*_leaves(arrays))).shape))
    label = name or getattr(function, "name", getattr(function, "__name__", "function"))
    scalar = _weighted(function)
    for current in range(1, order + 1):
        _check(label, current, scalar, [*arrays, weight], rng, (rtol, atol))
        scalar = _slope(scalar, [np.asarray(rng.standard_normal(array.shape)) for array in arrays])


def _leaves(arrays: Sequence[Array]) -> list[Tensor]:
    return [Tensor(array).requires_grad_() for array in arrays]


def _first(out: Any) -> Tensor:
    found: Tensor = out[0] if isinstance(out, tuple) else out
    return found


def _weighted(function: Function) -> Function:
    """The sum of the output's elements, each times its weight: the last argument."""
    return lambda *leaves: (_first(function(*leaves[:-1])) * leaves[-1]).sum()


def _slope(scalar: Function, directions: Sequence[Array]) -> Function:
    """The first derivative of a number along the directions: differentiable once more."""

    def slope(*leaves: Tensor) -> Tensor:
        gradients = _gradients(scalar(*leaves), leaves[:-1], create_graph=True)
        terms = [(g * Tensor(d)).sum() for g, d in zip(gradients, directions, strict=True) if g is not None]
        total = Tensor(np.zeros(()))
        for term in terms:
            total = total + term
        return total

    return slope


def _gradients(total: Tensor, leaves: Sequence[Tensor], *, create_graph: bool = False) -> Sequence[Tensor | None]:
    if not total.requires_grad:
        return [None] * len(leaves)
    return grad(total, leaves, create_graph=create_graph, allow_unused=True)


def _check(
    label: str,
    order: int,
    function: Function,
    arrays: Sequence[Array],
    rng: np.random.Generator,
    tolerance: tuple[float, float],
) -> None:
    """Compare the derivative of a scalar function along a random direction of each input in turn."""
    leaves = _leaves(arrays)
    rtol, atol = tolerance
    for place, gradient in enumerate(_gradients(function(*leaves), leaves)):
        direction = np.asarray(rng.standard_normal(arrays[place].shape))
        found = 0.0 if gradient is None else float((gradient.array * direction).sum())
        expected = _finite_difference(function, arrays, place, direction)
        if not abs(found - expected) <= atol + rtol * max(abs(found), abs(expected)):
            what = "the gradient" if place == len(arrays) - 1 else f"input {place}"
            raise AssertionError(
                f"{label}: derivative {order} by {what} of shape {arrays[place].shape} is {found:.10g}, "
                f"finite differences give {expected:.10g}"
            )


def _finite_difference(function: Function, arrays: Sequence[Array], place: int, direction: Array) -> float:
    values = []
    for step in (STEP, -STEP):
        moved = [array + step * direction if i == place else array for i, array in enumerate(arrays)]
        values.append(function(*_leaves(moved)).item())
    return float((values[0] - values[1]) / (2 * STEP))
