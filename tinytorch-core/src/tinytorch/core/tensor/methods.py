"""What a tensor can do: every function of the pages before, under PyTorch's name for the method."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.tensor import (
    arithmetic,
    comparison,
    conversion,
    creation,
    dtypes,
    elementwise,
    indexing,
    inplace,
    joining,
    ordering,
    products,
    random,
    reductions,
    rounding,
    selection,
    shapes,
    statistics,
)
from tinytorch.core.tensor.inplace import inplace_method
from tinytorch.core.tensor.op import Op

if TYPE_CHECKING:
    from tinytorch.core.tensor.tensor import Tensor


class Methods:
    """What Tensor inherits: operators, functions, copies, and writing in place."""

    __slots__ = ()

    relu: Callable[..., Tensor]  # the chapter activations names these three here
    softmax: Callable[..., Tensor]
    log_softmax: Callable[..., Tensor]

    def __eq__(self, other: object) -> Any:
        """Element by element; see `tinytorch.equal` for the whole."""
        return comparison.equal_to(self, other) if _mixes(other) else NotImplemented

    def __ne__(self, other: object) -> Any:
        """Element by element."""
        return comparison.not_equal(self, other) if _mixes(other) else NotImplemented

    __hash__ = object.__hash__  # by identity: tensors that are equal stay different keys

    __lt__ = lt = comparison.less
    __le__ = le = comparison.less_equal
    __gt__ = gt = comparison.greater
    __ge__ = ge = comparison.greater_equal
    eq, ne = comparison.equal_to, comparison.not_equal
    __getitem__, __setitem__ = indexing.getitem, inplace.set_item
    __neg__ = neg = negative = elementwise.negative
    __abs__ = abs = absolute = elementwise.absolute
    __invert__ = bitwise_not = comparison.bitwise_not
    __and__ = __rand__ = bitwise_and = comparison.bitwise_and
    __or__ = __ror__ = bitwise_or = comparison.bitwise_or
    __xor__ = __rxor__ = bitwise_xor = comparison.bitwise_xor
    __add__ = __radd__ = arithmetic.add
    __mul__ = __rmul__ = mul = multiply = arithmetic.multiply
    __sub__, __truediv__ = arithmetic.subtract, arithmetic.divide
    __floordiv__, __mod__, __pow__ = arithmetic.floor_divide, arithmetic.remainder, arithmetic.power

    def __rsub__(self, other: Any) -> Tensor:
        return arithmetic.subtract(other, self)

    def __rtruediv__(self, other: Any) -> Tensor:
        return arithmetic.divide(other, self)

    def __rfloordiv__(self, other: Any) -> Tensor:
        return arithmetic.floor_divide(other, self)

    def __rmod__(self, other: Any) -> Tensor:
        return arithmetic.remainder(other, self)

    def __rpow__(self, other: Any) -> Tensor:
        return arithmetic.power(other, self)

    def __matmul__(self, other: Any) -> Tensor:
        return products.matmul(self, _tensor_of(other))

    def __rmatmul__(self, other: Any) -> Tensor:
        return products.matmul(_tensor_of(other), self)

    add, sub, subtract = arithmetic.add_scaled, arithmetic.subtract_scaled, arithmetic.subtract_scaled
    div = divide = rounding.divide_rounded
    true_divide = arithmetic.divide
    floor_divide, remainder, pow = arithmetic.floor_divide, arithmetic.remainder, arithmetic.power
    maximum, minimum = arithmetic.maximum, arithmetic.minimum
    matmul, mm, bmm, dot, outer = products.matmul, products.mm, products.bmm, products.dot, products.outer

    logical_not, logical_and = comparison.logical_not, comparison.logical_and
    logical_or, logical_xor = comparison.logical_or, comparison.logical_xor
    isnan, isinf, isfinite = comparison.isnan, comparison.isinf, comparison.isfinite
    isclose, allclose, equal = comparison.isclose, comparison.allclose, comparison.equal

    exp, expm1, log, log1p = elementwise.exp, elementwise.expm1, elementwise.log, elementwise.log1p
    log2, log10, sqrt, rsqrt = elementwise.log2, elementwise.log10, elementwise.sqrt, elementwise.rsqrt
    square, reciprocal, sign = elementwise.square, elementwise.reciprocal, elementwise.sign
    sin, cos, tanh, sigmoid = elementwise.sin, elementwise.cos, elementwise.tanh, elementwise.sigmoid
    floor, ceil, trunc, round = rounding.floor, rounding.ceil, rounding.trunc, rounding.round
    clamp = clip = selection.clamp
    clamp_min, clamp_max = selection.clamp_min, selection.clamp_max
    masked_fill = selection.masked_fill

    def where(self, condition: Tensor, other: Any) -> Tensor:
        """Itself where the condition holds, `other` elsewhere."""
        return selection.where(condition, self, other)

    sum, mean, prod, cumsum = reductions.sum, reductions.mean, reductions.prod, reductions.cumsum
    amax, amin, argmax, argmin = reductions.amax, reductions.amin, reductions.argmax, reductions.argmin
    any, all, count_nonzero = reductions.any, reductions.all, reductions.count_nonzero
    var, std, logsumexp, norm = statistics.var, statistics.std, statistics.logsumexp, statistics.norm
    max, min, sort, argsort = ordering.max, ordering.min, ordering.sort, ordering.argsort
    topk, unique = ordering.topk, ordering.unique

    reshape, view, flatten, unflatten = shapes.reshape, shapes.view, shapes.flatten, shapes.unflatten
    ravel, permute, movedim, t = shapes.ravel, shapes.permute, shapes.movedim, shapes.t
    transpose = swapdims = shapes.transpose
    swapaxes = shapes.swapaxes
    squeeze, unsqueeze, expand = shapes.squeeze, shapes.unsqueeze, shapes.expand
    flip, repeat, roll = shapes.flip, joining.repeat, joining.roll
    split, chunk, narrow = indexing.split, indexing.chunk, indexing.narrow
    select, unbind, gather = indexing.select, indexing.unbind, indexing.gather
    scatter_add, index_select = indexing.scatter_add, indexing.index_select
    masked_select, take_along_dim, nonzero = indexing.masked_select, indexing.take_along_dim, indexing.nonzero
    tril, triu = creation.tril, creation.triu

    T, mT = property(conversion.reversed_dims), property(conversion.matrix_transpose)  # noqa: N815  PyTorch's name
    view_as, reshape_as, expand_as = conversion.view_as, conversion.reshape_as, conversion.expand_as
    clone, contiguous = conversion.clone, conversion.contiguous
    to = type = conversion.to
    type_as, float, double, half = conversion.type_as, conversion.float, conversion.double, conversion.half
    int, long, bool = conversion.int, conversion.long, conversion.bool
    new_zeros, new_ones, new_empty = conversion.new_zeros, conversion.new_ones, conversion.new_empty
    new_full, new_tensor = conversion.new_full, conversion.new_tensor

    __iadd__ = add_ = inplace_method("add_", arithmetic.add_scaled)
    __isub__ = sub_ = inplace_method("sub_", arithmetic.subtract_scaled)
    __imul__ = mul_ = inplace_method("mul_", arithmetic.multiply)
    __itruediv__ = div_ = inplace_method("div_", rounding.divide_rounded)
    __ipow__ = pow_ = inplace_method("pow_", arithmetic.power)
    clamp_ = clip_ = inplace_method("clamp_", selection.clamp)
    neg_, abs_ = inplace_method("neg_", elementwise.negative), inplace_method("abs_", elementwise.absolute)
    exp_, log_ = inplace_method("exp_", elementwise.exp), inplace_method("log_", elementwise.log)
    sqrt_, tanh_ = inplace_method("sqrt_", elementwise.sqrt), inplace_method("tanh_", elementwise.tanh)
    sigmoid_ = inplace_method("sigmoid_", elementwise.sigmoid)
    masked_fill_ = inplace_method("masked_fill_", selection.masked_fill)
    fill_, copy_ = inplace_method("fill_", inplace.fill), inplace_method("copy_", inplace.copy)
    normal_, uniform_ = inplace_method("normal_", random.normal_like), inplace_method("uniform_", random.uniform_like)

    def zero_(self) -> Tensor:
        """Every element 0, in place."""
        return self.fill_(0)


def _mixes(other: object) -> Any:
    return isinstance(other, (Op.tensor_class, np.ndarray)) or type(other) in dtypes.OF_SCALAR


def _tensor_of(operand: Any) -> Any:
    return creation.as_tensor(operand) if isinstance(operand, np.ndarray) else operand
