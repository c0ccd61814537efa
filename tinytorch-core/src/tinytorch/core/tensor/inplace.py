"""Writing in place: allowed where it cannot make a gradient wrong.

A write computes the new values first and then copies them into the tensor's memory, so that views see them. Backward
refuses arrays that were written after it had saved them: `note_write` leaves a stamp, `check_unwritten` looks for it.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.tensor.creation import array_of
from tinytorch.core.tensor.dtypes import CATEGORY
from tinytorch.core.tensor.indexing import assign, plain_index
from tinytorch.core.tensor.op import Edge, Node, Op, grad_enabled, next_serial
from tinytorch.core.tensor.promotion import one, tensors_only

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinytorch.core.tensor.tensor import Tensor
    from tinytorch.types import Array

_writes: dict[
    int, tuple[weakref.ref[Array], int]
] = {}  # by id of the memory's owner: who, and when it was last written
_latest = [0]  # the serial of the last write or cut of all: what was recorded after it needs no looking


def write(name: str, input: Tensor, out: Tensor) -> Tensor:
    """Put the result of an op into `input`, which then stands where the result stood in the graph."""
    check_writable(name, input, out)
    if out.array.shape != input.array.shape:
        raise ValueError(f"{name}: the result has shape {out.shape}, which does not fit into {input.shape}")
    if CATEGORY[out.array.dtype.kind] > CATEGORY[input.array.dtype.kind]:
        raise TypeError(f"{name}: a {out.dtype} result does not fit into a {input.dtype} tensor")
    if out.node is not None:
        _keep_old_values(input, out.node)
    np.copyto(input.array, out.array, casting="unsafe")
    note_write(input.array)
    if grad_enabled.get():
        input.node, input._requires_grad = out.node, out._requires_grad
    return input


def set_item(input: Tensor, index: Any, value: Any) -> None:
    """x[index] = value: the value is broadcast to the place."""
    parts = plain_index(input, index)
    if not isinstance(value, Op.tensor_class):
        value = Op.tensor_class(array_of("setitem", value, input.array.dtype))
    if value.array.dtype != input.array.dtype:
        value = value.to(input.array.dtype)
    place = input.array[parts]
    try:
        np.broadcast_to(value.array, place.shape)
    except ValueError as error:
        raise ValueError(
            f"setitem: a value of shape {value.shape} does not fit into a place of shape {place.shape}"
        ) from error
    if grad_enabled.get() and (input._requires_grad or value._requires_grad):
        write("setitem", input, assign(input, value, parts))
    else:
        input.array[parts] = value.array
        note_write(input.array)


def check_writable(name: str, input: Tensor, out: Tensor) -> None:
    """Raise RuntimeError where PyTorch refuses too, and for views into the graph, which we do not follow."""
    if not input.array.flags.writeable:
        raise RuntimeError(f"{name}: several elements share their memory (expand), so none can be written; clone it")
    if not grad_enabled.get():
        return
    if input._requires_grad and input.node is None:
        raise RuntimeError(
            f"{name}: a leaf that requires grad cannot be written in place; wrap it in tinytorch.no_grad()"
        )
    if input._is_view and input.array.base is not None and (input._requires_grad or out._requires_grad):
        raise RuntimeError(f"{name}: a view cannot be written in place while gradients are recorded; write to a clone")


def note_write(array: Array) -> None:
    """Remember that this memory was written now."""
    owner = _owner(array)
    key = id(owner)
    _latest[0] = next_serial()
    known = _writes[key][0] if key in _writes else weakref.ref(owner, lambda _: _writes.pop(key, None))
    _writes[key] = (known, _latest[0])


def check_unwritten(node: Node) -> None:
    """Raise RuntimeError where an array that the node saved was written afterwards."""
    for array in _arrays_in((node.args, node.out)):
        if written_since(array, node.serial):
            raise RuntimeError(
                f"backward: a tensor of shape {array.shape} that the gradient of '{node.op.name}' needs "
                "was written in place afterwards; use the out-of-place form"
            )


def written_since(array: Array, serial: int) -> bool:
    """Whether this memory was written after that serial number was given out."""
    return _writes.get(id(_owner(array)), (None, 0))[1] > serial


def _arrays_in(saved: Any) -> Iterator[Array]:
    """Every array among what a node saved: in tensors, in indices, in lists of tensors."""
    if isinstance(saved, Op.tensor_class):
        yield saved.array
    elif isinstance(saved, np.ndarray):
        yield saved
    elif isinstance(saved, (list, tuple)):
        for each in saved:
            yield from _arrays_in(each)


def latest_change() -> int:
    """The serial number of the last write or cut; only nodes recorded before it can have lost what they saved."""
    return _latest[0]


def note_cut() -> None:
    """Remember that a tensor has left its graph now, or stopped requiring grad."""
    _latest[0] = next_serial()


def restore(node: Node) -> None:
    """Let the node's rule see tensors that were cut off since as they were recorded: requiring grad."""
    if node.args is None or len(node.edges) != len(node.args):  # freed, or a list of tensors
        return
    node.args = [_as_recorded(arg, edge) for arg, edge in zip(node.args, node.edges, strict=True)]


def _as_recorded(arg: Any, edge: Edge) -> Any:
    if edge is None or not isinstance(arg, Op.tensor_class) or arg._requires_grad:
        return arg
    then = Op.tensor_class(arg.array)
    then.node, then._requires_grad = edge if isinstance(edge, Node) else None, True
    return then


def inplace_method(name: str, function: Any) -> Any:
    """The in-place twin of a function of a tensor: `add_` of `add`."""

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        check_writable(name, self, self)
        out = function(self, *args, **kwargs)
        return write(name, self, self.clone() if out is self else out)

    method.__name__ = name
    method.__doc__ = f"As `{function.__name__}`, written into this tensor."
    return method


def fill(input: Tensor, value: float) -> Tensor:
    """Every element the same number."""
    (number,) = one("fill_", value)
    if number.ndim:
        raise ValueError(f"fill_: expected a number or a 0-d tensor, got shape {number.shape}")
    return number.to(input.dtype).expand(input.shape)


def copy(input: Tensor, src: Tensor) -> Tensor:
    """The values of src, broadcast and converted."""
    tensors_only("copy_", src)
    return src.to(input.dtype).expand(input.shape)


def _keep_old_values(input: Tensor, node: Node) -> None:
    """Let the node keep a copy of what is about to be overwritten, as it stood in the graph."""
    if node.args and any(arg is input for arg in node.args):
        old = Op.tensor_class(input.array.copy())
        old.node, old._requires_grad = input.node, input._requires_grad
        node.args = tuple(old if arg is input else arg for arg in node.args)


def _owner(array: Array) -> Array:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array
