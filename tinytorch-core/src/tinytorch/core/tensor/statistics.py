"""Statistics: reductions that are made of other reductions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tinytorch.core.tensor.arithmetic import add, divide, multiply, power, subtract
from tinytorch.core.tensor.axes import either
from tinytorch.core.tensor.comparison import equal_to, not_equal
from tinytorch.core.tensor.elementwise import absolute, exp, log, sqrt
from tinytorch.core.tensor.numbers import real
from tinytorch.core.tensor.promotion import cast, floats_only
from tinytorch.core.tensor.reductions import amax, amin, count, prepared, reduce_mean, reduce_sum
from tinytorch.core.tensor.selection import select

if TYPE_CHECKING:
    from tinytorch.core.tensor.tensor import Tensor
    from tinytorch.types import Axis


def var(
    input: Tensor,
    dim: Axis = None,
    *,
    correction: float = 1,
    unbiased: bool | None = None,
    keepdim: bool = False,
    axis: Axis = None,
    keepdims: bool | None = None,
) -> Tensor:
    """The variance along `dim` (None: all): squared distances from the mean over n - correction."""
    x, dims, keep = prepared("var", input, dim, axis, keepdim, keepdims)
    floats_only("var", x)
    correction = real("var", "correction", correction) if unbiased is None else float(unbiased)
    degrees = max(0.0, float(count(x, dims) - correction))
    centred = subtract(x, reduce_mean(x, dims, True))
    return divide(reduce_sum(multiply(centred, centred), dims, keep), degrees)


def std(
    input: Tensor,
    dim: Axis = None,
    *,
    correction: float = 1,
    unbiased: bool | None = None,
    keepdim: bool = False,
    axis: Axis = None,
    keepdims: bool | None = None,
) -> Tensor:
    """The standard deviation: the square root of `var`."""
    keepdim = keepdim if keepdims is None else keepdims
    return _power(
        var(input, either("std", "dim", dim, axis), correction=correction, unbiased=unbiased, keepdim=keepdim), 0.5
    )


def logsumexp(
    input: Tensor, dim: Axis = None, keepdim: bool = False, *, axis: Axis = None, keepdims: bool | None = None
) -> Tensor:
    """log(sum(exp(x))) along `dim` (None: all), shifted by the maximum so that exp cannot overflow."""
    x, dims, keep = prepared("logsumexp", input, dim, axis, keepdim, keepdims)
    if count(x, dims) == 0:
        return log(reduce_sum(exp(x), dims, keep))
    largest = amax(x.detach(), dims, keepdim=True)
    shift = select(equal_to(absolute(largest), math.inf), 0.0, largest)
    out = add(log(reduce_sum(exp(subtract(x, shift)), dims, True)), shift)
    return out if keep else reduce_sum(out, dims, False)  # sizes are 1: the sum only drops them


def norm(
    input: Tensor,
    p: float = 2.0,
    dim: Axis = None,
    keepdim: bool = False,
    *,
    axis: Axis = None,
    keepdims: bool | None = None,
) -> Tensor:
    """The p-norm along `dim` (None: all): sum(|x| ** p) ** (1 / p); p may be inf, -inf or 0, which counts."""
    x, dims, keep = prepared("norm", input, dim, axis, keepdim, keepdims)
    floats_only("norm", x)
    p = real("norm", "p", p)
    if abs(p) == math.inf:
        return (amax if p > 0 else amin)(absolute(x), dims, keep)
    if p == 0:
        return reduce_sum(cast(not_equal(x, 0.0), x.dtype), dims, keep)
    if p == 1:
        return reduce_sum(absolute(x), dims, keep)
    terms = multiply(x, x) if p == 2 else _power(absolute(x), float(p))
    return _power(reduce_sum(terms, dims, keep), 1.0 / p)


def _power(x: Tensor, exponent: float) -> Tensor:
    """x ** exponent for x from 0, with slope 0 at 0 where the true one is infinite."""
    if exponent < 0 or exponent >= 1:
        return power(x, exponent)
    zero = equal_to(x, 0.0)
    above = select(zero, 1.0, x)
    return select(zero, 0.0, sqrt(above) if exponent == 0.5 else power(above, exponent))
