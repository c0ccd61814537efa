"""The few types that every page shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[
    tuple[Any, ...], np.dtype[Any]
]  # whatever speaks numpy's protocols: the core never asks for more
Arrays: TypeAlias = Sequence[Array]
DType: TypeAlias = np.dtype[Any]
Kernel: TypeAlias = Callable[..., Any]  # arrays in, array out: what a table slot holds
Shape: TypeAlias = tuple[int, ...]
Scalar: TypeAlias = bool | int | float
Axis: TypeAlias = int | Sequence[int] | None
