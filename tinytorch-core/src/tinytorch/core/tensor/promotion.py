"""What ops do to their arguments before the kernel sees them: numbers become tensors, mixed dtypes one dtype.

Kernels can then be a line each: their inputs are arrays of one dtype whose shapes broadcast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.tensor import dtypes
from tinytorch.core.tensor.op import Op, op
from tinytorch.core.tensor.quiet import quiet

if TYPE_CHECKING:
    from tinytorch.core.tensor.tensor import Tensor
    from tinytorch.types import Array, DType


def _without_a_gradient_unless_float(name: str, x: Tensor, dtype: DType) -> tuple[Tensor, DType]:
    """No gradient passes through whole numbers and truth values."""
    return (x if dtype.kind == "f" else x.detach()), dtype


@op(view=True, prepare=_without_a_gradient_unless_float)
def cast(x: Array, dtype: DType) -> Array:
    """The same numbers as another dtype; the same memory where the dtype is the same."""
    return quiet().run(x.astype, dtype, copy=False)  # nan has no integer, too large for float16 is inf


def tensors_only(name: str, *args: Any) -> tuple[Any, ...]:
    """Require the first argument to be a tensor."""
    if not isinstance(args[0], Op.tensor_class):
        raise TypeError(f"{name}: expected a Tensor, got {type(args[0]).__name__}; make one with tinytorch.tensor")
    return args


def floats_only(name: str, *args: Any) -> tuple[Any, ...]:
    """Require the first argument to be a tensor of floats."""
    if not isinstance(args[0], Op.tensor_class):
        tensors_only(name, *args)
    if args[0].array.dtype.kind != "f":
        raise TypeError(f"{name}: expected a float tensor, got {args[0].dtype}; convert it with .float()")
    return args


def one(name: str, x: Any) -> tuple[Tensor, ...]:
    """A tensor of any dtype."""
    return as_one(name, (x,), None) if type(x) in dtypes.OF_SCALAR else tensors_only(name, x)


def one_float(name: str, x: Any) -> tuple[Tensor, ...]:
    """A tensor of floats: integers become the default float."""
    if isinstance(x, Op.tensor_class) and x.array.dtype.kind == "f":
        return (x,)
    return _floats(name, x)


def pair(name: str, a: Any, b: Any) -> tuple[Tensor, ...]:
    """Two tensors of their common dtype whose shapes broadcast."""
    if isinstance(a, Op.tensor_class):
        x = a.array
        if isinstance(b, Op.tensor_class):
            y = b.array
            if x.dtype is y.dtype and (x.shape == y.shape or not x.ndim or not y.ndim):  # the common cases
                return a, b
        elif type(b) is float and x.dtype.kind == "f":
            return a, Op.tensor_class(quiet().run(np.array, b, x.dtype))
    return as_one(name, (a, b), None)


def pair_of_floats(name: str, a: Any, b: Any) -> tuple[Tensor, ...]:
    """As `pair`, in floats: integers become the default float."""
    if isinstance(a, Op.tensor_class) and a.array.dtype.kind == "f":
        return pair(name, a, b)
    return _floats(name, a, b)


def _floats(name: str, *operands: Any) -> tuple[Tensor, ...]:
    operands = checked_operands(name, operands)
    return as_one(name, operands, dtypes.floating(common_dtype(operands)))


def as_one(name: str, operands: tuple[Any, ...], dtype: DType | None) -> tuple[Tensor, ...]:
    """The operands as tensors of one dtype (None: their common one)."""
    if dtype is None:
        operands = checked_operands(name, operands)
        dtype = common_dtype(operands)
    tensors = tuple(_as(name, operand, dtype) for operand in operands)
    check_broadcast(name, tensors)
    return tensors


def common_dtype(operands: tuple[Any, ...]) -> DType:
    """The dtype that tensors and numbers share."""
    return dtypes.result_type(*[o.array if isinstance(o, Op.tensor_class) else o for o in operands])


def checked_operands(name: str, operands: tuple[Any, ...]) -> tuple[Any, ...]:
    """The operands, numpy's scalars as Python numbers; raise TypeError for the first that is no tensor or number.

    An array beside a tensor counts as one.
    """
    beside = any(isinstance(operand, Op.tensor_class) for operand in operands)
    operands = tuple(_of_numpy(operand, beside) for operand in operands)
    for operand in operands:
        if not isinstance(operand, Op.tensor_class) and type(operand) not in dtypes.OF_SCALAR:
            raise TypeError(
                f"{name}: expected a Tensor or a number, got {type(operand).__name__}; make one with tinytorch.tensor"
            )
    return operands


def _of_numpy(operand: Any, beside_a_tensor: bool) -> Any:
    if isinstance(operand, np.generic):
        return operand.item()
    is_array = beside_a_tensor and isinstance(operand, np.ndarray) and operand.dtype in dtypes.SUPPORTED
    return Op.tensor_class(operand) if is_array else operand


def check_broadcast(name: str, tensors: tuple[Tensor, ...]) -> None:
    """Raise ValueError with the shapes where they do not broadcast."""
    shapes = [tensor.array.shape for tensor in tensors]
    if len(shapes) == 1 or shapes.count(shapes[0]) == len(shapes):
        return
    try:
        np.broadcast_shapes(*shapes)
    except ValueError as error:
        raise ValueError(f"{name}: shapes {' and '.join(map(str, shapes))} do not broadcast") from error


def number(name: str, value: Any, dtype: DType) -> Tensor:
    """A number as a 0-d tensor, without its fraction where the dtype is whole; raise OverflowError beyond its range."""
    try:
        return Op.tensor_class(quiet().run(np.array, int(value) if dtype.kind in "iu" else value, dtype))
    except (OverflowError, ValueError) as error:
        raise OverflowError(f"{name}: {value} does not fit into a {dtype} tensor") from error


def _as(name: str, operand: Any, dtype: DType) -> Tensor:
    if isinstance(operand, Op.tensor_class):
        return operand if operand.array.dtype == dtype else cast(operand, dtype)
    return number(name, operand, dtype)
