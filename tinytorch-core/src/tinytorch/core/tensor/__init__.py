"""Chapter 1, tensor: numbers in a shape, and everything that can be done with them.

Read in this order: op, dtypes, promotion, arithmetic, comparison, axes, shapes, reductions, indexing, ordering,
products, einsum, creation, random, inplace, printing, tensor.
"""

from tinytorch.core.tensor.op import Node, Op, grad_enabled, op
from tinytorch.core.tensor.tensor import Tensor

__all__ = ["Node", "Op", "Tensor", "grad_enabled", "op"]
