"""Inputs in the dtypes that a row does not name: float16 and whole numbers, where the core's op takes them as they are.

The core says which: its op hands them on in their dtype, and its kernel answers. Whole numbers come small, and so large
that float64 does not hold them. No gradient is a whole number, and where the core makes floats of whole numbers, what
comes of it is the caller's doing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinytorch.core.tensor.dtypes import SUPPORTED
from tinytorch.core.tensor.tensor import Tensor
from tinytorch.testing.arguments import arrays_in, copied, mapped
from tinytorch.testing.case import Arguments, OpCase, as_tensors
from tinytorch.testing.comparison import arrays_of
from tinytorch.testing.reference import quietly
from tinytorch.types import Array, DType


def in_other_dtypes(case: OpCase, rng: np.random.Generator, draws: int) -> Iterator[tuple[DType, Arguments]]:
    """Drawn arguments in every dtype that the row leaves out and the core takes."""
    drawn_as = np.dtype(case.dtypes[0])
    for dtype in SUPPORTED:
        if str(dtype) in case.dtypes:
            continue
        for number in range(draws):
            arguments = mapped(_cast(drawn_as, dtype, large=number % 2 == 1), case.sample(rng, drawn_as))
            if takes(case, arguments):
                yield dtype, arguments


def _cast(drawn_as: DType, dtype: DType, *, large: bool) -> Any:
    """A change of the arrays of one dtype to another; away from 0, since whole numbers are divided by, too."""

    def cast(x: Array) -> Array:
        if x.dtype != drawn_as:
            return x
        if dtype.kind in "fb":
            return np.asarray(x.astype(dtype) if dtype.kind == "f" else x > 0)
        size = np.ceil(np.abs(x) * 3).astype(np.int64)
        whole = size if dtype.kind == "u" else np.where(x < 0, -size, size)
        return np.asarray(np.multiply(whole, np.iinfo(dtype).max // 16 | 1 if large else 1)).astype(dtype)

    return cast


def takes(case: OpCase, arguments: Arguments) -> bool:
    """Whether the core's op takes arguments in their dtype."""
    op = case.declared()
    whole = not any(array.dtype.kind == "f" for array in arrays_in(arguments))
    if whole and op.name.endswith("_grad"):
        return False
    try:
        taken = [as_tensors(each) for each in arguments]
        prepared = op.prepare(op.name, *taken) if op.prepare else taken
        answer = arrays_of(quietly(op.kernel, copied(arguments)))
    except (TypeError, ValueError, OverflowError, RuntimeError, IndexError):
        return False
    floats = any(each.dtype.kind == "f" for each in answer if isinstance(each, np.ndarray))
    return _dtypes(prepared) == _dtypes(taken) and not (whole and floats)


def _dtypes(arguments: Any) -> list[DType]:
    """The dtypes of the tensors among arguments."""
    groups = [each if isinstance(each, list) else [each] for each in arguments]
    return [each.dtype for group in groups for each in group if isinstance(each, Tensor)]
