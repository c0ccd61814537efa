"""What the integer ops ask of their arguments before a kernel sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinytorch.core.tensor.dtypes import int8, int32
from tinytorch.core.tensor.promotion import tensors_only

if TYPE_CHECKING:
    from tinytorch.core.tensor import Tensor


def int8_only(name: str, *args: Any) -> tuple[Any, ...]:
    """Require the first argument to be a tensor of int8."""
    if tensors_only(name, args[0])[0].array.dtype != int8:
        raise TypeError(f"{name}: expected an int8 tensor, got {args[0].dtype}")
    return args


def images_only(name: str, *args: Any) -> tuple[Any, ...]:
    """Require the first argument to be int8 images."""
    (x, *_) = int8_only(name, *args)
    if x.array.ndim != 4:
        raise ValueError(f"{name}: expected (batch, channels, height, width), got {x.shape}")
    return args


def with_table(name: str, dtype: str, x: Any, table: Any) -> tuple[Any, ...]:
    """Require a tensor of int8 and a table of this dtype with an entry for each code."""
    int8_only(name, x)
    if tensors_only(name, table)[0].shape != (256,) or table.dtype != dtype:
        raise ValueError(f"{name}: expected a table of 256 numbers of {dtype}, got {table.dtype} {table.shape}")
    return x, table


def constants(name: str, weight: Tensor, bias: Any, mantissa: Any, shift: Any) -> None:
    """Require int8 weights, and for each of its outputs an int32 bias, an int32 mantissa and an int8 shift."""
    int8_only(name, weight)
    outputs = weight.array.shape[:1]
    for what, each, dtype in (("bias", bias, int32), ("mantissa", mantissa, int32), ("shift", shift, int8)):
        array = tensors_only(name, each)[0].array
        if array.shape != outputs or array.dtype != dtype:
            raise ValueError(f"{name}: expected {what} as {dtype} of shape {outputs}, got {array.dtype} {array.shape}")
