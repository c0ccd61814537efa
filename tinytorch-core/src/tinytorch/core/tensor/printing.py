"""How a tensor looks in a terminal: as in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tinytorch.core.tensor.tensor import Tensor

PLAIN = ("float32", "int64", "bool")  # dtypes that need no mention


def text_of(tensor: Tensor) -> str:
    """`tensor([[1., 2.]], requires_grad=True)`; large tensors show their corners."""
    prefix = "tensor("
    numbers = np.array2string(
        tensor.array, precision=4, suppress_small=False, separator=", ", prefix=prefix, threshold=1000
    )
    notes = [f"size={tensor.shape}"] if not tensor.array.size else []
    notes += [f"dtype=tinytorch.{tensor.dtype}"] if str(tensor.dtype) not in PLAIN else []
    if tensor.node is not None:
        notes.append(f"grad_fn=<{tensor.node.op.name}>")
    elif tensor.requires_grad:
        notes.append("requires_grad=True")
    return ", ".join([prefix + numbers, *notes]) + ")"
