"""Reductions: many numbers to one, along some dimensions or all."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.tensor import dtypes
from tinytorch.core.tensor.axes import either, many_dims, one_dim
from tinytorch.core.tensor.comparison import not_equal
from tinytorch.core.tensor.numbers import flag
from tinytorch.core.tensor.op import Op, op
from tinytorch.core.tensor.promotion import cast, floats_only
from tinytorch.core.tensor.quiet import quiet
from tinytorch.core.tensor.shapes import unsqueeze

if TYPE_CHECKING:
    from tinytorch.core.tensor.tensor import Tensor
    from tinytorch.types import Array, Axis

    Dims = tuple[int, ...]


ALL_BUT_LAST = {2: (0,), 3: (0, 1)}  # by number of dimensions
SMALL = 1 << 14  # elements; below, the detour through BLAS gains nothing


@op
def reduce_sum(x: Array, dims: Dims, keepdim: bool) -> Array:
    """The sum along `dims`, of float16 in float32; along all but the last by BLAS, which is three times faster."""
    if x.size > SMALL and x.itemsize > 2 and dims == ALL_BUT_LAST.get(x.ndim) and x.dtype.kind == "f" and not keepdim:
        rows = x.reshape(-1, x.shape[-1])
        return quiet().run(np.matmul, np.ones_like(x, shape=len(rows)), rows)
    return quiet().run(_summed, x, dims, keepdim)


@op
def reduce_mean(x: Array, dims: Dims, keepdim: bool) -> Array:
    """The mean along `dims`; nan of no elements."""
    count = math.prod([x.shape[dim] for dim in dims])
    return quiet().run(_summed, x, dims, keepdim, float(count or math.nan))


def _summed(x: Array, dims: Dims, keepdim: bool, divisor: float = 1.0) -> Array:
    """The sum along `dims`, divided; of float16 in float32, which neither overflows nor stops at 2048."""
    wide = np.float32 if x.dtype == np.float16 else x.dtype
    total = np.add.reduce(x, axis=dims, keepdims=keepdim, dtype=wide)  # type: ignore[call-overload]  # numpy's stubs: no bool
    if divisor != 1.0:
        total = np.true_divide(total, divisor)
    return total if wide is x.dtype else total.astype(x.dtype)


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
    return quiet().run(np.multiply.reduce, x, axis=dims, keepdims=keepdim)  # type: ignore[arg-type]  # numpy's stubs: no bool


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
    wide = np.float32 if x.dtype == np.float16 else x.dtype
    return quiet().run(np.cumsum, x, axis=dim, dtype=wide).astype(x.dtype, copy=False)


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
    x, dims, keep = prepared("sum", _as_total("sum", input, dtype), dim, axis, keepdim, keepdims)
    return _as("sum", reduce_sum(x, dims, keep), dtype)


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
    x, dims, keep = prepared("mean", _as("mean", input, dtype), dim, axis, keepdim, keepdims)
    floats_only("mean", x)
    return reduce_mean(x, dims, keep)


def prod(
    input: Tensor,
    dim: Axis = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    axis: Axis = None,
    keepdims: bool | None = None,
) -> Tensor:
    """The product along `dim` (None: all); integers and bools multiply as int64."""
    x, dims, keep = prepared("prod", _as_total("prod", input, dtype), dim, axis, keepdim, keepdims)
    return _as("prod", reduce_prod(x, dims, keep), dtype)


def amax(
    input: Tensor, dim: Axis = None, keepdim: bool = False, *, axis: Axis = None, keepdims: bool | None = None
) -> Tensor:
    """The largest element along `dim` (None: all); equal ones share the gradient."""
    x, dims, keep = prepared("amax", input, dim, axis, keepdim, keepdims)
    _check_not_empty("amax", x, dims)
    return reduce_max(x, dims, keep)


def amin(
    input: Tensor, dim: Axis = None, keepdim: bool = False, *, axis: Axis = None, keepdims: bool | None = None
) -> Tensor:
    """The smallest element along `dim` (None: all); equal ones share the gradient."""
    x, dims, keep = prepared("amin", input, dim, axis, keepdim, keepdims)
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
    return _position("argmax", arg_max, input, dim, axis, keepdim, keepdims)


def argmin(
    input: Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    axis: int | None = None,
    keepdims: bool | None = None,
) -> Tensor:
    """Where the smallest element is: along `dim`, or in the flattened tensor; the first of several."""
    return _position("argmin", arg_min, input, dim, axis, keepdim, keepdims)


def any(
    input: Tensor, dim: Axis = None, keepdim: bool = False, *, axis: Axis = None, keepdims: bool | None = None
) -> Tensor:
    """Whether one element along `dim` (None: all) is nonzero."""
    x, dims, keep = prepared("any", input, dim, axis, keepdim, keepdims)
    return reduce_any(x, dims, keep)


def all(
    input: Tensor, dim: Axis = None, keepdim: bool = False, *, axis: Axis = None, keepdims: bool | None = None
) -> Tensor:
    """Whether every element along `dim` (None: all) is nonzero."""
    x, dims, keep = prepared("all", input, dim, axis, keepdim, keepdims)
    return reduce_all(x, dims, keep)


def count_nonzero(input: Tensor, dim: Axis = None) -> Tensor:
    """How many elements along `dim` (None: all) are nonzero, as int64."""
    return sum(not_equal(input, 0), dim)


def cumsum(input: Tensor, dim: int | None = None, *, dtype: Any = None, axis: int | None = None) -> Tensor:
    """The sums of the first 1, 2, ... elements along `dim`; integers and bools as int64."""
    dim = one_dim("cumsum", either("cumsum", "dim", dim, axis), input.ndim)
    x = _as_total("cumsum", input, dtype)
    return _as("cumsum", cumulative_sum(x, dim) if x.ndim else x.clone(), dtype)


def prepared(
    name: str, input: Tensor, dim: Axis, axis: Axis, keepdim: bool, keepdims: bool | None
) -> tuple[Tensor, Dims, bool]:
    """The arguments of a reduction, PyTorch's names or numpy's, as its op takes them."""
    dims = many_dims(name, either(name, "dim", dim, axis), input.ndim)
    return input, dims, flag(name, "keepdim", keepdim if keepdims is None else keepdims)


def count(x: Tensor, dims: Dims) -> int:
    """How many elements become one."""
    return math.prod(x.array.shape[dim] for dim in dims)


def _as(name: str, x: Tensor, dtype: Any) -> Tensor:
    return x if dtype is None else cast(x, dtypes.as_dtype(dtype, name))


def _as_total(name: str, x: Tensor, dtype: Any) -> Tensor:
    """x as its total is computed: small integers would overflow, so all become int64 first."""
    x = _as(name, x, dtype)
    return x if x.array.dtype.kind == "f" else cast(x, dtypes.int64)


def _position(
    name: str, kernel: Op, x: Tensor, dim: int | None, axis: int | None, keepdim: bool, keepdims: bool | None
) -> Tensor:
    dim = either(name, "dim", dim, axis)
    keep = flag(name, "keepdim", keepdim if keepdims is None else keepdims)
    if dim is None:
        _check_not_empty(name, x, tuple(range(x.ndim)))
        found = kernel(x.reshape(-1), 0)
        return found.reshape((1,) * x.ndim) if keep else found
    dim = one_dim(name, dim, x.ndim)
    _check_not_empty(name, x, (dim,) if x.ndim else ())
    found = kernel(x if x.ndim else x.reshape(1), dim)
    return unsqueeze(found, dim) if keep and x.ndim else found


def _check_not_empty(name: str, x: Tensor, dims: Dims) -> None:
    if count(x, dims) == 0:
        raise ValueError(f"{name}: a tensor of shape {x.shape} has no elements to choose from along dim {dims}")
