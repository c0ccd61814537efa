"""The tensor functions under PyTorch's names: `tinytorch.sum(x, dim=1)` is `x.sum(dim=1)`.

Methods are only ever called on tensors; a function may be called on anything, so it looks at its first argument.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from tinytorch.core.tensor import (
    Tensor,
    arithmetic,
    comparison,
    conversion,
    creation,
    elementwise,
    indexing,
    joining,
    ordering,
    products,
    reductions,
    rounding,
    selection,
    shapes,
    statistics,
)

__all__ = [
    "abs",
    "absolute",
    "add",
    "all",
    "allclose",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "argsort",
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "bmm",
    "cat",
    "ceil",
    "chunk",
    "clamp",
    "clamp_max",
    "clamp_min",
    "clip",
    "clone",
    "concat",
    "cos",
    "count_nonzero",
    "cumsum",
    "div",
    "divide",
    "dot",
    "empty_like",
    "eq",
    "equal",
    "exp",
    "expm1",
    "flatten",
    "flip",
    "floor",
    "floor_divide",
    "full_like",
    "gather",
    "ge",
    "gt",
    "index_select",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "le",
    "log",
    "log1p",
    "log2",
    "log10",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "logsumexp",
    "lt",
    "masked_fill",
    "masked_select",
    "matmul",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "mm",
    "movedim",
    "mul",
    "multiply",
    "narrow",
    "ne",
    "neg",
    "negative",
    "nonzero",
    "norm",
    "ones_like",
    "outer",
    "permute",
    "pow",
    "prod",
    "ravel",
    "reciprocal",
    "remainder",
    "reshape",
    "roll",
    "round",
    "rsqrt",
    "scatter_add",
    "select",
    "sigmoid",
    "sign",
    "sin",
    "sort",
    "split",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "sub",
    "subtract",
    "sum",
    "swapaxes",
    "swapdims",
    "t",
    "take_along_dim",
    "tanh",
    "topk",
    "transpose",
    "tril",
    "triu",
    "true_divide",
    "trunc",
    "unbind",
    "unflatten",
    "unique",
    "unsqueeze",
    "var",
    "where",
    "zeros_like",
]

Rest = ParamSpec("Rest")
Result = TypeVar("Result")


def on_tensor(function: Callable[Concatenate[Tensor, Rest], Result]) -> Callable[Concatenate[Tensor, Rest], Result]:
    """The function with a clear error for a first argument that is no Tensor."""

    @wraps(function)
    def checked(input: Any, *args: Any, **kwargs: Any) -> Result:
        if not isinstance(input, Tensor):
            name, kind = function.__name__, type(input).__name__
            raise TypeError(f"{name}: expected a Tensor, got {kind}; make one with tinytorch.tensor")
        return function(input, *args, **kwargs)

    return checked  # type: ignore[return-value]  # it takes what the function takes


def where(condition: Tensor, input: object = None, other: object = None) -> Tensor | tuple[Tensor, ...]:
    """`input` where the condition holds, `other` elsewhere; with the condition alone, where it holds, by dimension."""
    if input is None and other is None:
        return on_tensor(indexing.nonzero)(condition).unbind(1)
    return on_tensor(selection.where)(condition, input, other)


# Ops that accept numbers and mixed dtypes
add, sub, subtract = arithmetic.add_scaled, arithmetic.subtract_scaled, arithmetic.subtract_scaled
mul = multiply = arithmetic.multiply
div = divide = rounding.divide_rounded
true_divide = arithmetic.divide
floor_divide, remainder, pow = arithmetic.floor_divide, arithmetic.remainder, arithmetic.power
maximum, minimum = arithmetic.maximum, arithmetic.minimum
neg = negative = elementwise.negative
abs = absolute = elementwise.absolute
exp, expm1, log, log1p, sqrt = elementwise.exp, elementwise.expm1, elementwise.log, elementwise.log1p, elementwise.sqrt
sin, cos, tanh, sigmoid = elementwise.sin, elementwise.cos, elementwise.tanh, elementwise.sigmoid
sign, floor, ceil = elementwise.sign, rounding.floor, rounding.ceil
log2, log10 = elementwise.log2, elementwise.log10
rsqrt, square, reciprocal = elementwise.rsqrt, elementwise.square, elementwise.reciprocal
eq, ne, lt, le = comparison.equal_to, comparison.not_equal, comparison.less, comparison.less_equal
gt, ge = comparison.greater, comparison.greater_equal
logical_and, logical_or = comparison.logical_and, comparison.logical_or
logical_not, logical_xor = comparison.logical_not, comparison.logical_xor
bitwise_and, bitwise_or = comparison.bitwise_and, comparison.bitwise_or
bitwise_not, bitwise_xor = comparison.bitwise_not, comparison.bitwise_xor
matmul = products.matmul
isnan, isinf, isfinite = comparison.isnan, comparison.isinf, comparison.isfinite
cat = concat = joining.cat
stack = joining.stack

# Functions of one tensor first
trunc, round, clamp = on_tensor(rounding.trunc), on_tensor(rounding.round), on_tensor(selection.clamp)
clip = clamp
clamp_min, clamp_max = on_tensor(selection.clamp_min), on_tensor(selection.clamp_max)
isclose, allclose, equal = on_tensor(comparison.isclose), on_tensor(comparison.allclose), on_tensor(comparison.equal)
sum, mean, var, std = (
    on_tensor(reductions.sum),
    on_tensor(reductions.mean),
    on_tensor(statistics.var),
    on_tensor(statistics.std),
)
prod, cumsum, logsumexp = on_tensor(reductions.prod), on_tensor(reductions.cumsum), on_tensor(statistics.logsumexp)
amax, amin, norm = on_tensor(reductions.amax), on_tensor(reductions.amin), on_tensor(statistics.norm)
argmax, argmin = on_tensor(reductions.argmax), on_tensor(reductions.argmin)
any, all = on_tensor(reductions.any), on_tensor(reductions.all)
count_nonzero, unique = on_tensor(reductions.count_nonzero), on_tensor(ordering.unique)
max, min = on_tensor(ordering.max), on_tensor(ordering.min)
sort, argsort, topk = on_tensor(ordering.sort), on_tensor(ordering.argsort), on_tensor(ordering.topk)
mm, bmm, dot, outer = (
    on_tensor(products.mm),
    on_tensor(products.bmm),
    on_tensor(products.dot),
    on_tensor(products.outer),
)
reshape, flatten, unflatten = on_tensor(shapes.reshape), on_tensor(shapes.flatten), on_tensor(shapes.unflatten)
permute, transpose, t, movedim = (
    on_tensor(shapes.permute),
    on_tensor(shapes.transpose),
    on_tensor(shapes.t),
    on_tensor(shapes.movedim),
)
squeeze, unsqueeze, flip = on_tensor(shapes.squeeze), on_tensor(shapes.unsqueeze), on_tensor(shapes.flip)
split, chunk, narrow = on_tensor(indexing.split), on_tensor(indexing.chunk), on_tensor(indexing.narrow)
select, unbind = on_tensor(indexing.select), on_tensor(indexing.unbind)
gather, scatter_add, index_select = (
    on_tensor(indexing.gather),
    on_tensor(indexing.scatter_add),
    on_tensor(indexing.index_select),
)
masked_select, take_along_dim = on_tensor(indexing.masked_select), on_tensor(indexing.take_along_dim)
nonzero = on_tensor(indexing.nonzero)
ravel, roll = on_tensor(shapes.ravel), on_tensor(joining.roll)
swapaxes, swapdims = on_tensor(shapes.swapaxes), transpose
tril, triu = on_tensor(creation.tril), on_tensor(creation.triu)
zeros_like, ones_like = on_tensor(creation.zeros_like), on_tensor(creation.ones_like)
empty_like, full_like = on_tensor(creation.empty_like), on_tensor(creation.full_like)
clone = on_tensor(conversion.clone)
masked_fill = on_tensor(selection.masked_fill)
