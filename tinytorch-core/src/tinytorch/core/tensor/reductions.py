"""Reductions: many numbers to one, along some dimensions or all."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinytorch.core.tensor import dtypes
from tinytorch.core.tensor.arithmetic import absolute, add, divide, exp, log, multiply, power, select, sqrt, subtract
from tinytorch.core.tensor.axes import either, many_dims, one_dim
from tinytorch.core.tensor.comparison import equal_to, not_equal
from tinytorch.core.tensor.numbers import real
from tinytorch.core.tensor.op import op
from tinytorch.core.tensor.promotion import cast
from tinytorch.core.tensor.shapes import unsqueeze

if TYPE_CHECKING:
    from tinytorch.core.tensor.tensor import Tensor
    from tinytorch.types import Array, Axis

    Dims = tuple[int, ...]


class ValuesAndIndices(NamedTuple):
    """What a reduction finds, and where."""

    values: Tensor
    indices: Tensor


ALL_BUT_LAST = {2: (0,), 3: (0, 1)}  # by number of dimensions
SMALL = 1 << 14  # elements; below, the detour through BLAS gains nothing


@op
def reduce_sum(x: Array, dims: Dims, keepdim: bool) -> Array:
    """The sum along `dims`; along all but the last by BLAS, which is three times faster."""
    if x.size > SMALL and dims == ALL_BUT_LAST.get(x.ndim) and x.dtype.kind == "f" and not keepdim:
        rows = x.reshape(-1, x.shape[-1])
        return np.ones_like(x, shape=len(rows)) @ rows
    return np.add.reduce(x, axis=dims, keepdims=keepdim)  # type: ignore[call-overload]  # numpy's stubs: no bool


@op
def reduce_mean(x: Array, dims: Dims, keepdim: bool) -> Array:
    """The mean along `dims`; nan of no elements."""
    count = math.prod([x.shape[dim] for dim in dims])
    total = np.add.reduce(x, axis=dims, keepdims=keepdim)  # type: ignore[call-overload]  # numpy's stubs: no bool
    return np.true_divide(total, float(count or math.nan))


@op
def reduce_max(x: Array, dims: Dims, keepdim: bool) -> Array:
    """The largest element along `dims`; nan wins."""
    return np.maximum.reduce(x, axis=dims, keepdims=keepdim)  # type: ignore[call-overload]  # numpy's stubs: no bool


@op
def reduce_min(x: Array, dims: Dims, keepdim: bool) -> Array:
    """The smallest element along `dims`; nan wins."""
    return np.minimum.reduce(x, axis=dims, keepdims=keepdim)  # type: ignore[call-overload]  # numpy's stubs: no bool


@op
def reduce_prod(x: Array, dims: Dims, keepdim: bool) -> Array:
    """The product along `dims`."""
    return np.multiply.reduce(x, axis=dims, keepdims=keepdim)  # type: ignore[call-overload]  # numpy's stubs: no bool


@op
def reduce_any(x: Array, dims: Dims, keepdim: bool) -> Array:
    """Whether one element along `dims` is nonzero."""
    return np.any(x, axis=dims, keepdims=keepdim)


@op
def reduce_all(x: Array, dims: Dims, keepdim: bool) -> Array:
    """Whether every element along `dims` is nonzero."""
    return np.all(x, axis=dims, keepdims=keepdim)


@op
def arg_max(x: Array, dim: int) -> Array:
    """Where along `dim` the largest element is; the first of several; nan wins."""
    return np.argmax(x, axis=dim)


@op
def arg_min(x: Array, dim: int) -> Array:
    """Where along `dim` the smallest element is; the first of several; nan wins."""
    return np.argmin(x, axis=dim)


@op
def cumulative_sum(x: Array, dim: int) -> Array:
    """The sums of the first 1, 2, ... elements along `dim`."""
    return np.cumsum(x, axis=dim, dtype=x.dtype)


def sum(
    input: Tensor,
    dim: Axis = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    axis: Axis = None,
    keepdims: bool | None = None,
) -> Tensor:
    """The sum along `dim` (None: all); integers and bools sum as int64."""
    x, dims, keep = _prepared("sum", input, dim, axis, keepdim, keepdims, dtype)
    return reduce_sum(x if x.array.dtype.kind == "f" else cast(x, dtypes.int64), dims, keep)


def mean(
    input: Tensor,
    dim: Axis = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    axis: Axis = None,
    keepdims: bool | None = None,
) -> Tensor:
    """The mean along `dim` (None: all) of floats; nan for no elements."""
    x, dims, keep = _prepared("mean", input, dim, axis, keepdim, keepdims, dtype)
    _check_float("mean", x)
    return reduce_mean(x, dims, keep)


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
    x, dims, keep = _prepared("var", input, dim, axis, keepdim, keepdims, None)
    _check_float("var", x)
    correction = real("var", "correction", correction) if unbiased is None else float(unbiased)
    count = _count(x, dims)
    centred = subtract(x, reduce_mean(x, dims, True))
    return divide(reduce_sum(multiply(centred, centred), dims, keep), max(0.0, float(count - correction)))


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


def prod(
    input: Tensor, dim: Axis = None, keepdim: bool = False, *, axis: Axis = None, keepdims: bool | None = None
) -> Tensor:
    """The product along `dim` (None: all); integers and bools multiply as int64."""
    x, dims, keep = _prepared("prod", input, dim, axis, keepdim, keepdims, None)
    return reduce_prod(x if x.array.dtype.kind == "f" else cast(x, dtypes.int64), dims, keep)


def amax(
    input: Tensor, dim: Axis = None, keepdim: bool = False, *, axis: Axis = None, keepdims: bool | None = None
) -> Tensor:
    """The largest element along `dim` (None: all); equal ones share the gradient."""
    x, dims, keep = _prepared("amax", input, dim, axis, keepdim, keepdims, None)
    _check_not_empty("amax", x, dims)
    return reduce_max(x, dims, keep)


def amin(
    input: Tensor, dim: Axis = None, keepdim: bool = False, *, axis: Axis = None, keepdims: bool | None = None
) -> Tensor:
    """The smallest element along `dim` (None: all); equal ones share the gradient."""
    x, dims, keep = _prepared("amin", input, dim, axis, keepdim, keepdims, None)
    _check_not_empty("amin", x, dims)
    return reduce_min(x, dims, keep)


def argmax(
    input: Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    axis: int | None = None,
    keepdims: bool | None = None,
) -> Tensor:
    """Where the largest element is: along `dim`, or in the flattened tensor; the first of several."""
    return _arg("argmax", arg_max, input, either("argmax", "dim", dim, axis), keepdim if keepdims is None else keepdims)


def argmin(
    input: Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    axis: int | None = None,
    keepdims: bool | None = None,
) -> Tensor:
    """Where the smallest element is: along `dim`, or in the flattened tensor; the first of several."""
    return _arg("argmin", arg_min, input, either("argmin", "dim", dim, axis), keepdim if keepdims is None else keepdims)


def any(
    input: Tensor, dim: Axis = None, keepdim: bool = False, *, axis: Axis = None, keepdims: bool | None = None
) -> Tensor:
    """Whether one element along `dim` (None: all) is nonzero."""
    x, dims, keep = _prepared("any", input, dim, axis, keepdim, keepdims, None)
    return reduce_any(x, dims, keep)


def all(
    input: Tensor, dim: Axis = None, keepdim: bool = False, *, axis: Axis = None, keepdims: bool | None = None
) -> Tensor:
    """Whether every element along `dim` (None: all) is nonzero."""
    x, dims, keep = _prepared("all", input, dim, axis, keepdim, keepdims, None)
    return reduce_all(x, dims, keep)


def cumsum(input: Tensor, dim: int | None = None, *, dtype: Any = None, axis: int | None = None) -> Tensor:
    """The sums of the first 1, 2, ... elements along `dim`; integers and bools as int64."""
    dim = one_dim("cumsum", either("cumsum", "dim", dim, axis), input.ndim)
    x = input if dtype is None else cast(input, dtypes.as_dtype(dtype, "cumsum"))
    x = x if x.array.dtype.kind == "f" else cast(x, dtypes.int64)
    return cumulative_sum(x, dim) if x.ndim else x.clone()


def logsumexp(input: Tensor, dim: Axis, keepdim: bool = False) -> Tensor:
    """log(sum(exp(x))) along `dim`, shifted by the maximum so that exp cannot overflow."""
    x, dims, _ = _prepared("logsumexp", input, dim, None, keepdim, None, None)
    if _count(x, dims) == 0:
        return log(reduce_sum(exp(x), dims, keepdim))
    largest = amax(x.detach(), dims, keepdim=True)
    shift = select(equal_to(absolute(largest), math.inf), 0.0, largest)
    out = add(log(reduce_sum(exp(subtract(x, shift)), dims, True)), shift)
    return out if keepdim else reduce_sum(out, dims, False)  # sizes are 1: the sum only drops them


def norm(input: Tensor, p: float = 2.0, dim: Axis = None, keepdim: bool = False) -> Tensor:
    """The p-norm along `dim` (None: all): sum(|x| ** p) ** (1 / p); p may be inf, -inf or 0, which counts."""
    x, dims, keep = _prepared("norm", input, dim, None, keepdim, None, None)
    _check_float("norm", x)
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


def _prepared(
    name: str, input: Tensor, dim: Axis, axis: Axis, keepdim: bool, keepdims: bool | None, dtype: Any
) -> tuple[Tensor, Dims, bool]:
    dims = many_dims(name, either(name, "dim", dim, axis), input.ndim)
    x = input if dtype is None else cast(input, dtypes.as_dtype(dtype, name))
    return x, dims, keepdim if keepdims is None else keepdims


def _arg(name: str, kernel: Any, input: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    if dim is None:
        _check_not_empty(name, input, tuple(range(input.ndim)))
        found: Tensor = kernel(input.reshape(-1), 0)
        return found.reshape((1,) * input.ndim) if keepdim else found
    dim = one_dim(name, dim, input.ndim)
    _check_not_empty(name, input, (dim,) if input.ndim else ())
    found = kernel(input if input.ndim else input.reshape(1), dim)
    return unsqueeze(found, dim) if keepdim and input.ndim else found


def _count(x: Tensor, dims: Dims) -> int:
    return math.prod(x.array.shape[dim] for dim in dims)


def _check_float(name: str, x: Tensor) -> None:
    if x.array.dtype.kind != "f":
        raise TypeError(f"{name}: expected a float tensor, got {x.dtype}; convert it with .float()")


def _check_not_empty(name: str, x: Tensor, dims: Dims) -> None:
    if _count(x, dims) == 0:
        raise ValueError(f"{name}: a tensor of shape {x.shape} has no elements to choose from along dim {dims}")
