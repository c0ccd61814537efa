"""Tensor: an array that remembers where it came from.

The class holds identity and state; what tensors can do stands in the pages before this one and is bound here.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.tensor import (
    arithmetic,
    comparison,
    creation,
    dtypes,
    indexing,
    inplace,
    ordering,
    printing,
    products,
    promotion,
    random,
    reductions,
    shapes,
)
from tinytorch.core.tensor.axes import one_dim
from tinytorch.core.tensor.inplace import inplace_method
from tinytorch.core.tensor.numbers import real
from tinytorch.core.tensor.op import Op

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tinytorch.core.tensor.op import Node
    from tinytorch.types import Array, DType, Shape


class Tensor:
    """An array with a gradient. People make one with `tinytorch.tensor(data)`."""

    __slots__ = ("__weakref__", "_is_view", "_requires_grad", "array", "grad", "node")
    __array_priority__ = 1000  # array + tensor is a Tensor

    engine: Callable[..., None]  # what differentiates; the chapter autograd names itself here

    def __init__(self, array: Array) -> None:
        self.array = array
        self.grad: Tensor | None = None
        self.node: Node | None = None  # the call that made it; None for leaves
        self._requires_grad = False
        self._is_view = False

    # What it is

    @property
    def shape(self) -> Shape:
        """The sizes of its dimensions."""
        return self.array.shape

    @property
    def ndim(self) -> int:
        """How many dimensions it has."""
        return self.array.ndim

    @property
    def dtype(self) -> DType:
        """The number type of its elements."""
        return self.array.dtype

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension."""
        if dim is None:
            return self.shape
        if not self.ndim:
            raise IndexError("size: a 0-d tensor has no dimensions")
        return self.shape[one_dim("size", dim, self.ndim)]

    def dim(self) -> int:
        """How many dimensions it has."""
        return self.array.ndim

    def numel(self) -> int:
        """How many elements it has."""
        return self.array.size

    def element_size(self) -> int:
        """Bytes for each element."""
        return self.array.itemsize

    def is_floating_point(self) -> bool:
        """Whether its elements are floats."""
        return self.array.dtype.kind == "f"

    def is_contiguous(self) -> bool:
        """Whether its elements lie in row-major order without gaps."""
        return bool(self.array.flags.c_contiguous)

    # Its place in the graph

    @property
    def requires_grad(self) -> bool:
        """Whether backward computes a gradient for it."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for a gradient, or stop asking; only leaves can stop, only floats have one."""
        if requires_grad and not self.is_floating_point():
            raise TypeError(f"requires_grad: only float tensors have gradients, this one is {self.dtype}")
        if not requires_grad and self.node is not None:
            raise RuntimeError("requires_grad: only a leaf can stop requiring grad; use detach()")
        self._requires_grad = bool(requires_grad)
        if not requires_grad:
            inplace.note_cut()
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded op made it."""
        return self.node is None

    @property
    def grad_fn(self) -> Node | None:
        """The recorded call that made it."""
        return self.node

    def backward(
        self, gradient: Tensor | None = None, retain_graph: bool | None = None, create_graph: bool = False
    ) -> None:
        """Add to `.grad` of every leaf what this tensor's change would be for a change of the leaf."""
        Tensor.engine(self, gradient, retain_graph, create_graph)

    def detach(self) -> Tensor:
        """The same memory without the graph."""
        return Tensor(self.array)

    def detach_(self) -> Tensor:
        """Cut this tensor off from its graph."""
        self.node, self._requires_grad = None, False
        inplace.note_cut()
        return self

    def retain_grad(self) -> None:
        """Keep the gradient of a tensor that is no leaf in its `.grad`."""
        if not self._requires_grad:
            raise RuntimeError("retain_grad: this tensor does not require grad")
        if self.node is not None:
            self.node.retained_by = weakref.ref(self)

    @property
    def data(self) -> Tensor:
        """The same memory without the graph; assigning replaces it."""
        return self.detach()

    @data.setter
    def data(self, value: Tensor) -> None:
        self.array = promotion.tensors_only("data", value)[0].array

    # Out of the framework

    def item(self) -> Any:
        """Its only element as a Python number."""
        if self.array.size != 1:
            raise ValueError(f"item: expected one element, the tensor has shape {self.shape}")
        return self.array.item()

    def tolist(self) -> Any:
        """Nested lists of Python numbers."""
        return self.array.tolist()

    def numpy(self) -> Array:
        """The array itself: same memory. A tensor that requires grad must be detached first."""
        if self._requires_grad:
            raise RuntimeError("numpy: this tensor requires grad; use .detach().numpy()")
        return self.array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """Let numpy functions read it."""
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    # Copies and other dtypes

    def clone(self) -> Tensor:
        """A copy that the gradient passes through."""
        return arithmetic.copied(self)

    def contiguous(self) -> Tensor:
        """Itself, or a row-major copy."""
        return self if self.is_contiguous() else self.clone()

    def to(self, dtype: Any) -> Tensor:
        """The same numbers as another dtype; itself where nothing changes."""
        found = dtypes.as_dtype(dtype.dtype if isinstance(dtype, Tensor) else dtype, "to")
        return self if found == self.array.dtype else promotion.cast(self, found)

    type = to

    def float(self) -> Tensor:
        """As float32."""
        return self.to(dtypes.float32)

    def double(self) -> Tensor:
        """As float64."""
        return self.to(dtypes.float64)

    def half(self) -> Tensor:
        """As float16."""
        return self.to(dtypes.float16)

    def int(self) -> Tensor:
        """As int32."""
        return self.to(dtypes.int32)

    def long(self) -> Tensor:
        """As int64."""
        return self.to(dtypes.int64)

    def bool(self) -> Tensor:
        """As bool: True where nonzero."""
        return self.to(dtypes.bool_)

    def new_zeros(self, *size: Any) -> Tensor:
        """Zeros of this dtype."""
        return creation.zeros(*size, dtype=self.dtype)

    def new_ones(self, *size: Any) -> Tensor:
        """Ones of this dtype."""
        return creation.ones(*size, dtype=self.dtype)

    def new_tensor(self, data: Any) -> Tensor:
        """A tensor of this dtype."""
        return creation.tensor(data, dtype=self.dtype)

    def view_as(self, other: Tensor) -> Tensor:
        """A view with the other's shape."""
        return shapes.view(self, other.shape)

    def expand_as(self, other: Tensor) -> Tensor:
        """Stretched to the other's shape."""
        return shapes.expand(self, other.shape)

    def masked_fill(self, mask: Tensor, value: Any) -> Tensor:
        """`value`, a number or a 0-d tensor, where the mask is True."""
        if not isinstance(value, Tensor):
            return arithmetic.where(mask, _number(self, value), self)
        if value.ndim:
            raise ValueError(f"masked_fill: expected a number or a 0-d tensor to fill with, got shape {value.shape}")
        return arithmetic.where(mask, value.to(self.dtype), self)

    @property
    def T(self) -> Tensor:  # noqa: N802  PyTorch's name
        """All dimensions reversed."""
        return shapes.permute_dims(self, tuple(range(self.ndim))[::-1])

    @property
    def mT(self) -> Tensor:  # noqa: N802  PyTorch's name
        """The last two dimensions exchanged."""
        return shapes.transpose(self, -2, -1)

    # Python's own

    def __bool__(self) -> Any:
        """Its only element as True or False."""
        return bool(self.item())

    def __float__(self) -> Any:
        """Its only element as a float."""
        return float(self.item())

    def __int__(self) -> Any:
        """Its only element as an int."""
        return int(self.item())

    def __index__(self) -> Any:
        """Its only element as an index; integers only."""
        if self.array.dtype.kind not in "iu":
            raise TypeError(f"index: expected an integer tensor, got {self.dtype}")
        return self.item()

    def __len__(self) -> Any:
        """The size of the first dimension."""
        if not self.ndim:
            raise TypeError("len: a 0-d tensor has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        """Its slices along the first dimension."""
        if not self.ndim:
            raise TypeError("iter: a 0-d tensor cannot be iterated")
        return (self[i] for i in range(self.shape[0]))

    def __contains__(self, element: Any) -> Any:
        """Whether an element equals it."""
        return bool(comparison.equal_to(self, element).array.any())

    __hash__ = object.__hash__  # by identity: tensors that are equal stay different keys

    def __repr__(self) -> str:
        return printing.text_of(self)

    def __format__(self, specification: str) -> str:
        return format(self.item() if specification else str(self), specification)

    def __deepcopy__(self, memo: dict[Any, Any]) -> Tensor:
        """A copy of a leaf; a tensor in the graph cannot be copied with its past."""
        if self.node is not None:
            raise RuntimeError("deepcopy: only leaves can be copied; use clone() or detach()")
        new = type(self).__new__(type(self))
        Tensor.__init__(new, self.array.copy())  # a subclass may take something else than an array
        new._requires_grad = self._requires_grad
        new.grad = None if self.grad is None else self.grad.clone()
        memo[id(self)] = new
        return new

    def __eq__(self, other: object) -> Any:
        """Element by element; see `tinytorch.equal` for the whole."""
        return comparison.equal_to(self, other) if _mixes(other) else NotImplemented

    def __ne__(self, other: object) -> Any:
        """Element by element."""
        return comparison.not_equal(self, other) if _mixes(other) else NotImplemented

    __lt__ = lt = comparison.less
    __le__ = le = comparison.less_equal
    __gt__ = gt = comparison.greater
    __ge__ = ge = comparison.greater_equal
    eq, ne = comparison.equal_to, comparison.not_equal
    __getitem__, __setitem__ = indexing.getitem, inplace.set_item
    __neg__ = neg = arithmetic.negative
    __abs__ = abs = absolute = arithmetic.absolute
    __invert__ = bitwise_not = comparison.bitwise_not
    __and__ = __rand__ = comparison.bitwise_and
    __or__ = __ror__ = comparison.bitwise_or
    __xor__ = __rxor__ = comparison.bitwise_xor
    logical_not, logical_and = comparison.logical_not, comparison.logical_and
    logical_or, logical_xor = comparison.logical_or, comparison.logical_xor
    isnan, isinf, isfinite = comparison.isnan, comparison.isinf, comparison.isfinite
    isclose, allclose, equal = comparison.isclose, comparison.allclose, comparison.equal

    __add__ = __radd__ = arithmetic.add
    __mul__ = __rmul__ = mul = multiply = arithmetic.multiply
    __sub__, __truediv__ = arithmetic.subtract, arithmetic.divide
    __floordiv__, __mod__, __pow__ = arithmetic.floor_divide, arithmetic.remainder, arithmetic.power
    __matmul__ = matmul = products.matmul
    div = divide = true_divide = arithmetic.divide
    floor_divide, remainder, pow = arithmetic.floor_divide, arithmetic.remainder, arithmetic.power
    maximum, minimum = arithmetic.maximum, arithmetic.minimum
    mm, bmm, dot, outer = products.mm, products.bmm, products.dot, products.outer

    def add(self, other: Any, *, alpha: Any = 1) -> Tensor:
        """self + alpha * other."""
        return arithmetic.add(self, other if alpha == 1 else arithmetic.multiply(other, alpha))

    def sub(self, other: Any, *, alpha: Any = 1) -> Tensor:
        """self - alpha * other."""
        return arithmetic.subtract(self, other if alpha == 1 else arithmetic.multiply(other, alpha))

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

    def __rmatmul__(self, other: Any) -> Tensor:
        return products.matmul(creation.as_tensor(other), self)

    exp, expm1, log, log1p = arithmetic.exp, arithmetic.expm1, arithmetic.log, arithmetic.log1p
    sqrt, rsqrt, square, reciprocal = arithmetic.sqrt, arithmetic.rsqrt, arithmetic.square, arithmetic.reciprocal
    sin, cos, tanh, sigmoid = arithmetic.sin, arithmetic.cos, arithmetic.tanh, arithmetic.sigmoid
    sign, floor, ceil, round = arithmetic.sign, arithmetic.floor, arithmetic.ceil, arithmetic.round
    clamp = clip = arithmetic.clamp

    sum, mean, var, std, prod = reductions.sum, reductions.mean, reductions.var, reductions.std, reductions.prod
    amax, amin, argmax, argmin = reductions.amax, reductions.amin, reductions.argmax, reductions.argmin
    any, all, cumsum = reductions.any, reductions.all, reductions.cumsum
    logsumexp, norm = reductions.logsumexp, reductions.norm
    max, min, sort, argsort, topk = ordering.max, ordering.min, ordering.sort, ordering.argsort, ordering.topk

    reshape, view, flatten, unflatten = shapes.reshape, shapes.view, shapes.flatten, shapes.unflatten
    permute, transpose, t, movedim = shapes.permute, shapes.transpose, shapes.t, shapes.movedim
    squeeze, unsqueeze, expand, repeat, flip = (
        shapes.squeeze,
        shapes.unsqueeze,
        shapes.expand,
        shapes.repeat,
        shapes.flip,
    )
    split, chunk, narrow, select, unbind = (
        indexing.split,
        indexing.chunk,
        indexing.narrow,
        indexing.select,
        indexing.unbind,
    )
    gather, scatter_add, index_select = indexing.gather, indexing.scatter_add, indexing.index_select
    masked_select, take_along_dim, nonzero = indexing.masked_select, indexing.take_along_dim, indexing.nonzero
    tril, triu = creation.tril, creation.triu

    __iadd__ = add_ = inplace_method("add_", add)
    __isub__ = sub_ = inplace_method("sub_", sub)
    __imul__ = mul_ = inplace_method("mul_", arithmetic.multiply)
    __itruediv__ = div_ = inplace_method("div_", arithmetic.divide)
    __ipow__ = pow_ = inplace_method("pow_", arithmetic.power)
    clamp_ = inplace_method("clamp_", arithmetic.clamp)
    neg_, abs_ = inplace_method("neg_", arithmetic.negative), inplace_method("abs_", arithmetic.absolute)
    exp_, log_ = inplace_method("exp_", arithmetic.exp), inplace_method("log_", arithmetic.log)
    sqrt_, tanh_ = inplace_method("sqrt_", arithmetic.sqrt), inplace_method("tanh_", arithmetic.tanh)
    masked_fill_ = inplace_method("masked_fill_", masked_fill)
    fill_, copy_ = inplace_method("fill_", inplace.fill), inplace_method("copy_", inplace.copy)
    normal_, uniform_ = inplace_method("normal_", random.normal_like), inplace_method("uniform_", random.uniform_like)

    def zero_(self) -> Tensor:
        """Every element 0, in place."""
        return self.fill_(0)


def _mixes(other: object) -> Any:
    return isinstance(other, Tensor) or type(other) in dtypes.OF_SCALAR


def _number(like: Tensor, value: Any) -> Tensor:
    """A number in the dtype of a tensor; a float that would lose its fraction is refused."""
    real("masked_fill", "value", value)
    if (
        like.array.dtype.kind != "f"
        and type(value) is not type(like.array.dtype.type(0).item())
        and value != int(value)
    ):
        raise TypeError(f"masked_fill: {value!r} does not fit into a {like.dtype} tensor")
    return Tensor(np.array(value, like.array.dtype))


Op.tensor_class = Tensor
