"""Tensor: an array that remembers where it came from.

The class holds identity and state; what tensors can do stands in the pages before this one, bound in `methods`.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.tensor import comparison, inplace, printing, promotion
from tinytorch.core.tensor.axes import one_dim
from tinytorch.core.tensor.methods import Methods
from tinytorch.core.tensor.op import Op

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tinytorch.core.tensor.op import Node
    from tinytorch.types import Array, DType, Shape


class Tensor(Methods):
    """An array with a gradient. People make one with `tinytorch.tensor(data)`."""

    __slots__ = ("__weakref__", "_is_view", "_requires_grad", "array", "grad", "node")
    __array_priority__ = 1000  # array + tensor is a Tensor: numpy's operators leave it to ours

    engine: Callable[..., None]  # what differentiates; the chapter autograd names itself here

    def __init__(self, array: Array) -> None:
        self.array = array
        self.grad: Tensor | None = None
        self.node: Node | None = None  # the call that made it; None for leaves
        self._requires_grad = False
        self._is_view = False

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


Op.tensor_class = Tensor
