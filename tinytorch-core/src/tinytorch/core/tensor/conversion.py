"""Conversion: the same numbers in new memory, as another dtype, in the shape of another tensor; and others like it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinytorch.core.tensor import creation, dtypes, shapes
from tinytorch.core.tensor.elementwise import copied
from tinytorch.core.tensor.op import Op
from tinytorch.core.tensor.promotion import cast, tensors_only

if TYPE_CHECKING:
    from tinytorch.core.tensor.tensor import Tensor


def clone(input: Tensor) -> Tensor:
    """A copy that the gradient passes through."""
    return copied(input)


def contiguous(input: Tensor) -> Tensor:
    """Itself, or a row-major copy."""
    return input if input.is_contiguous() else copied(input)


def to(input: Tensor, dtype: Any) -> Tensor:
    """The same numbers as another dtype, or as another tensor's; itself where nothing changes."""
    found = dtypes.as_dtype(dtype.dtype if isinstance(dtype, Op.tensor_class) else dtype, "to")
    return input if found == input.array.dtype else cast(input, found)


def float(input: Tensor) -> Tensor:
    """As float32."""
    return to(input, dtypes.float32)


def double(input: Tensor) -> Tensor:
    """As float64."""
    return to(input, dtypes.float64)


def half(input: Tensor) -> Tensor:
    """As float16."""
    return to(input, dtypes.float16)


def int(input: Tensor) -> Tensor:
    """As int32."""
    return to(input, dtypes.int32)


def long(input: Tensor) -> Tensor:
    """As int64."""
    return to(input, dtypes.int64)


def bool(input: Tensor) -> Tensor:
    """As bool: True where nonzero."""
    return to(input, dtypes.bool_)


def type_as(input: Tensor, other: Tensor) -> Tensor:
    """As the other's dtype."""
    return to(input, tensors_only("type_as", other)[0])


def reversed_dims(input: Tensor) -> Tensor:
    """All dimensions reversed."""
    return shapes.permute_dims(input, tuple(range(input.ndim))[::-1])


def matrix_transpose(input: Tensor) -> Tensor:
    """The last two dimensions exchanged."""
    return shapes.transpose(input, -2, -1)


def view_as(input: Tensor, other: Tensor) -> Tensor:
    """A view with the other's shape."""
    return shapes.view(input, tensors_only("view_as", other)[0].shape)


def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """Reshaped to the other's shape."""
    return shapes.reshape(input, tensors_only("reshape_as", other)[0].shape)


def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """Stretched to the other's shape."""
    return shapes.expand(input, tensors_only("expand_as", other)[0].shape)


def new_zeros(input: Tensor, *size: Any) -> Tensor:
    """Zeros of this dtype."""
    return creation.zeros(*size, dtype=input.dtype)


def new_ones(input: Tensor, *size: Any) -> Tensor:
    """Ones of this dtype."""
    return creation.ones(*size, dtype=input.dtype)


def new_empty(input: Tensor, *size: Any) -> Tensor:
    """Uninitialized memory of this dtype."""
    return creation.empty(*size, dtype=input.dtype)


def new_full(input: Tensor, size: Any, fill_value: Any) -> Tensor:
    """One number in this dtype."""
    return creation.full(size, fill_value, dtype=input.dtype)


def new_tensor(input: Tensor, data: Any) -> Tensor:
    """A tensor of this dtype."""
    return creation.tensor(data, dtype=input.dtype)
