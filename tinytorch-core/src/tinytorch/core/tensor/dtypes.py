"""Number types and how they mix: PyTorch's promotion, not numpy's.

Within a category (bool, integer, float) the wider type wins; a tensor of a lower category never widens one of a higher,
so that int64 + float32 is float32. Python numbers, and then 0-d tensors, only count when their category is higher.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinytorch.types import DType

bool_ = np.dtype("bool")
uint8 = np.dtype("uint8")
int8 = np.dtype("int8")
int16 = np.dtype("int16")
int32 = np.dtype("int32")
int64 = np.dtype("int64")
float16 = np.dtype("float16")
float32 = np.dtype("float32")
float64 = np.dtype("float64")

SUPPORTED = (bool_, uint8, int8, int16, int32, int64, float16, float32, float64)
DEFAULT = float32  # what Python floats become
CATEGORY = {"b": 0, "u": 1, "i": 1, "f": 2}  # by numpy's `kind`
OF_SCALAR: dict[type, DType] = {bool: bool_, int: int64, float: DEFAULT}


def as_dtype(dtype: Any, where: str = "dtype") -> DType:
    """The numpy dtype of anything that names one (`tinytorch.float32`, `np.int64`, `"bool"`, `float`)."""
    if dtype is float:
        return DEFAULT
    try:
        found = np.dtype(dtype)
    except TypeError as error:
        raise TypeError(f"{where}: expected a dtype, got {dtype!r}") from error
    if found not in SUPPORTED or dtype is None:
        raise TypeError(f"{where}: dtype {dtype} is not supported; expected one of {', '.join(map(str, SUPPORTED))}")
    return found


def promote_types(type1: Any, type2: Any) -> DType:
    """The dtype of `a op b` for two tensors of one or more dimensions."""
    a, b = type1, type2
    if not isinstance(a, np.dtype) or not isinstance(b, np.dtype):
        a, b = as_dtype(a, "promote_types"), as_dtype(b, "promote_types")
    if a == b:
        return a
    if CATEGORY[a.kind] != CATEGORY[b.kind]:
        return a if CATEGORY[a.kind] > CATEGORY[b.kind] else b
    return np.promote_types(a, b)


def result_type(*operands: Any) -> DType:
    """The dtype of an operation on arrays and Python numbers: dimensioned before 0-d before Python numbers."""
    groups: list[list[DType]] = [[], [], []]
    for operand in operands:
        if type(operand) in OF_SCALAR:
            groups[2].append(OF_SCALAR[type(operand)])
        else:
            groups[0 if operand.ndim else 1].append(operand.dtype)
    result: DType | None = None
    for group in groups:
        for dtype in group[:1]:
            widest = dtype
            for other in group[1:]:
                widest = promote_types(widest, other)
            if result is None or CATEGORY[widest.kind] > CATEGORY[result.kind]:
                result = widest
    return result or DEFAULT


def floating(dtype: DType) -> DType:
    """The dtype of a function that only floats have (exp, division): integers become the default float."""
    return dtype if dtype.kind == "f" else DEFAULT
