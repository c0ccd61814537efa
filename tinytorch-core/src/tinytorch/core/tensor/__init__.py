"""Chapter 1, tensor: numbers in a shape, and everything that can be done with them.

Read in this order: op, dtypes, numbers, axes, pieces, quiet, promotion, arithmetic, elementwise, rounding,
comparison, masks, selection, shapes, reductions, statistics, indexing, joining, ordering, products, einsum, creation,
random, conversion, inplace, printing, methods, tensor.
"""

from tinytorch.core.tensor.op import Node, Op, grad_enabled, op
from tinytorch.core.tensor.tensor import Tensor

__all__ = ["Node", "Op", "Tensor", "grad_enabled", "op"]
