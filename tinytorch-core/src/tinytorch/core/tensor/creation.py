"""Making tensors: from data, filled with one number, or counted out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.tensor import dtypes
from tinytorch.core.tensor.axes import shape_of
from tinytorch.core.tensor.numbers import real, whole
from tinytorch.core.tensor.op import Op
from tinytorch.core.tensor.promotion import number, tensors_only
from tinytorch.core.tensor.quiet import quiet
from tinytorch.core.tensor.selection import select

if TYPE_CHECKING:
    from tinytorch.core.tensor.tensor import Tensor
    from tinytorch.types import Array, DType


def tensor(data: Any, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Copy numbers, nested lists or an array into a Tensor; Python floats become float32, arrays keep their dtype."""
    array = array_of("tensor", data, dtype)
    return _made(array.copy() if array is data or array.base is not None else array, requires_grad)


def as_tensor(data: Any, dtype: Any = None) -> Tensor:
    """As `tensor`, but sharing the memory of an array, and giving a Tensor back as it is, where the dtype allows."""
    if isinstance(data, Op.tensor_class):
        return data if dtype is None else data.to(dtype)
    return Op.tensor_class(array_of("as_tensor", data, dtype))


def from_numpy(ndarray: Array) -> Tensor:
    """A Tensor on the memory of an array: writing to one writes to the other."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"from_numpy: expected a numpy array, got {type(ndarray).__name__}")
    return Op.tensor_class(array_of("from_numpy", ndarray, None))


def full(size: Any, fill_value: float, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of one number; without a dtype, of the number's own (bool, int64, float32)."""
    if type(fill_value) not in dtypes.OF_SCALAR:
        raise TypeError(f"full: expected a number to fill with, got {type(fill_value).__name__}")
    found = dtypes.OF_SCALAR[type(fill_value)] if dtype is None else dtypes.as_dtype(dtype, "full")
    return _made(np.full(_size("full", (size,)), number("full", fill_value, found).array), requires_grad)


def zeros(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of zeros: `zeros(2, 3)` or `zeros((2, 3))`."""
    return _made(np.zeros(_size("zeros", size), _or_default("zeros", dtype)), requires_grad)


def ones(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of ones."""
    return _made(np.ones(_size("ones", size), _or_default("ones", dtype)), requires_grad)


def empty(*size: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of whatever stood in the memory."""
    return _made(np.empty(_size("empty", size), _or_default("empty", dtype)), requires_grad)


def zeros_like(input: Tensor, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros with the shape and dtype of `input`."""
    return _like(np.zeros_like, input, dtype, requires_grad)


def ones_like(input: Tensor, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones with the shape and dtype of `input`."""
    return _like(np.ones_like, input, dtype, requires_grad)


def empty_like(input: Tensor, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Uninitialized memory with the shape and dtype of `input`."""
    return _like(np.empty_like, input, dtype, requires_grad)


def full_like(input: Tensor, fill_value: float, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """One number with the shape and dtype of `input`."""
    real("full_like", "fill_value", fill_value)
    tensors_only("full_like", input)
    found = input.array.dtype if dtype is None else dtypes.as_dtype(dtype, "full_like")
    return full(input.shape, number("full_like", fill_value, found).item(), dtype=found, requires_grad=requires_grad)


def arange(
    start: float, end: float | None = None, step: float = 1, *, dtype: Any = None, requires_grad: bool = False
) -> Tensor:
    """Numbers from start (0 where only one is given) up to, not including, end; int64 if all are integers."""
    start, end = (0, start) if end is None else (start, end)
    for what, value in (("start", start), ("end", end), ("step", step)):
        real("arange", what, value)
    if step == 0 or not all(math.isfinite(value) for value in (start, end, step)):
        raise ValueError(f"arange: expected finite bounds and a step other than 0, got {start}, {end}, {step}")
    if (end - start) / step < 0:
        raise ValueError(f"arange: a step of {step} does not lead from {start} to {end}")
    integers = all(isinstance(value, int) for value in (start, end, step))
    found = (dtypes.int64 if integers else dtypes.DEFAULT) if dtype is None else dtypes.as_dtype(dtype, "arange")
    return _made(np.arange(start, end, step).astype(found), requires_grad)


def linspace(start: float, end: float, steps: int, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """So many numbers at equal distances from start to end, both included: (steps,)."""
    count = whole("linspace", "steps", steps, least=0)
    first, last = real("linspace", "start", start), real("linspace", "end", end)
    return _made(np.linspace(first, last, count).astype(_or_default("linspace", dtype)), requires_grad)


def eye(n: int, m: int | None = None, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones on the diagonal, zeros elsewhere: (n, m), m = n by default."""
    rows, columns = _size("eye", (n, n if m is None else m))
    return _made(np.eye(rows, columns, dtype=_or_default("eye", dtype)), requires_grad)


def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """The lower triangle of the last two dimensions, zeros above diagonal `diagonal`."""
    return _triangle(
        "tril", input, np.tri(*_last_two("tril", input), k=whole("tril", "diagonal", diagonal), dtype=bool)
    )


def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """The upper triangle of the last two dimensions, zeros below diagonal `diagonal`."""
    return _triangle(
        "triu", input, ~np.tri(*_last_two("triu", input), k=whole("triu", "diagonal", diagonal) - 1, dtype=bool)
    )


def _triangle(name: str, input: Tensor, mask: Array) -> Tensor:
    return select(Op.tensor_class(mask), input, False)  # False is 0 in every dtype


def _last_two(name: str, input: Tensor) -> tuple[int, int]:
    if input.ndim < 2:
        raise ValueError(f"{name}: expected matrices, got a tensor of shape {input.shape}")
    return input.shape[-2], input.shape[-1]


def _made(array: Array, requires_grad: bool) -> Tensor:
    out = Op.tensor_class(array)
    return out.requires_grad_() if requires_grad else out


def _like(make: Any, input: Tensor, dtype: Any, requires_grad: bool) -> Tensor:
    found = input.array.dtype if dtype is None else dtypes.as_dtype(dtype)
    return _made(make(input.array, dtype=found), requires_grad)


def _or_default(name: str, dtype: Any) -> DType:
    return dtypes.DEFAULT if dtype is None else dtypes.as_dtype(dtype, name)


def _size(name: str, size: tuple[Any, ...]) -> tuple[int, ...]:
    found = shape_of(name, size)
    if any(n < 0 for n in found):
        raise ValueError(f"{name}: expected sizes of 0 or more, got {found}")
    return found


def array_of(name: str, data: Any, dtype: Any) -> Array:
    """The data as an array of a supported dtype; ragged lists and strings are refused."""
    if isinstance(data, Op.tensor_class):
        data = data.array
    if isinstance(data, (list, tuple)) and _has_tensors(data):
        data = _without_tensors(data)
    wanted = None if dtype is None else dtypes.as_dtype(dtype, name)
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise ValueError(f"{name}: expected nested lists of equal lengths; the rows differ") from error
    if wanted is None and not isinstance(data, (np.ndarray, np.generic)) and array.dtype.kind == "f":
        wanted = dtypes.DEFAULT
    if (wanted is None and array.dtype not in dtypes.SUPPORTED) or array.dtype.kind not in "biuf":
        raise TypeError(f"{name}: cannot make a tensor of {type(data).__name__} with dtype {array.dtype}")
    return array if wanted is None else quiet().run(array.astype, wanted, copy=False)  # as in `cast`


def _has_tensors(data: Any) -> bool:
    return any(
        isinstance(each, Op.tensor_class) or (isinstance(each, (list, tuple)) and _has_tensors(each)) for each in data
    )


def _without_tensors(data: Any) -> Any:
    if isinstance(data, (list, tuple)):
        return [_without_tensors(each) for each in data]
    return data.tolist() if isinstance(data, Op.tensor_class) else data
