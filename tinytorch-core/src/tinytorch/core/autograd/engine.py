"""Differentiating: the chain rule, walked backwards over what was recorded.

Every node knows where its inputs came from, and inputs are recorded before outputs; so the serial numbers, from the
largest down, are the order in which all of a node's gradient has arrived before it is asked for its inputs'. There is
no recursion. What a derivative is, the op's rule says; here it is only asked for and added up.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.autograd.modes import recording
from tinytorch.core.tensor import inplace
from tinytorch.core.tensor.arithmetic import add
from tinytorch.core.tensor.elementwise import copied
from tinytorch.core.tensor.op import Node, grad_enabled
from tinytorch.core.tensor.reductions import reduce_sum
from tinytorch.core.tensor.shapes import broadcast_to, reshape_to
from tinytorch.core.tensor.tensor import Tensor
from tinytorch.plugins.instruments import scope, watching

if TYPE_CHECKING:
    from tinytorch.core.tensor.op import Edge
    from tinytorch.types import Shape

    Gradients = dict[Edge, Tensor]  # what has arrived so far, by node and by leaf


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
) -> None:
    """Add the gradient of the tensors, each weighted by its grad_tensor (1 for one element), to the leaves' `.grad`.

    Frees what the graph saved unless it is retained; with create_graph the gradients are themselves differentiable.
    """
    outputs = _listed("backward", tensors)
    gradients = _initial("backward", outputs, _listed("backward", grad_tensors))
    roots = {id(gradient.array) for gradient in gradients.values()}
    with scope("backward"):
        _walk(gradients, create_graph if retain_graph is None else retain_graph, create_graph)
        for leaf, gradient in gradients.items():
            if isinstance(leaf, Tensor):
                _accumulate(leaf, gradient, roots, create_graph)


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of the outputs with respect to the inputs, as a tuple; nothing is added to any `.grad`.

    An input that the outputs do not depend on is an error, or None if allow_unused.
    """
    wanted = _listed("grad", inputs)
    for number, each in enumerate(wanted):
        if not isinstance(each, Tensor) or not each.requires_grad:
            raise RuntimeError(f"grad: input {number} does not require grad")
    gradients = _initial("grad", _listed("grad", outputs), _listed("grad", grad_outputs))
    kept = {each.node for each in wanted if each.node is not None}
    with scope("backward"):
        _walk(gradients, create_graph if retain_graph is None else retain_graph, create_graph, kept)
    found = tuple(gradients.get(each.node or each) for each in wanted)
    if not allow_unused and any(each is None for each in found):
        place = [each is None for each in found].index(True)
        raise RuntimeError(
            f"grad: the outputs do not depend on input {place}; pass allow_unused=True to get None for it"
        )
    return found


def vjp(function: Callable[..., Tensor], inputs: Sequence[Tensor], gradient: Tensor) -> tuple[Tensor | None, ...]:
    """The gradients of a function of tensors: for rules whose derivative is easier composed than written.

    "Vector-Jacobian product": function(*inputs) is recorded and walked back as far as the inputs, no further.
    """
    create_graph = grad_enabled.get()
    with recording(mode=True):
        out = function(*inputs)
    gradients = _initial("vjp", [out], [gradient])
    _walk(gradients, create_graph, create_graph, {each.node for each in inputs if each.node is not None}, stop=True)
    return tuple(gradients.get(each.node or each) if each.requires_grad else None for each in inputs)


def _walk(
    gradients: Gradients,
    retain_graph: bool,
    create_graph: bool,
    kept: Collection[Node] = frozenset(),
    stop: bool = False,
) -> None:
    """Replace the gradient of every node by those of its inputs until only leaves and kept nodes have one.

    Kept nodes pass their gradient on all the same, unless the walk is to stop there.
    """
    nodes = sorted(_reachable(gradients, kept if stop else ()), key=lambda node: node.serial)
    latest_change, instruments = inplace.latest_change(), watching()
    with recording(create_graph):
        while nodes:
            node = nodes.pop()
            gradient = gradients.get(node) if node in kept else gradients.pop(node, None)
            if gradient is None or (stop and node in kept):
                continue  # nothing that it gave led to an output, or the walk ends here
            if node.retained_by is not None:
                _give_to_retaining(node, gradient)
            if node.serial < latest_change:
                inplace.check_unwritten(node)
                inplace.restore(node)
            for instrument in instruments:
                instrument.differentiating(node)
            for edge, part in zip(node.edges, _apply_rule(node, gradient), strict=False):
                if edge is not None and part is not None:
                    _add(gradients, edge, part)
            if not retain_graph:
                node.args = node.out = None


def _reachable(gradients: Gradients, ends: Collection[Node]) -> set[Node]:
    """All nodes behind these, and not behind the ends."""
    pending = [each for each in gradients if isinstance(each, Node)]
    found = set(pending)
    while pending:
        node = pending.pop()
        for edge in () if node in ends else node.edges:
            if type(edge) is Node and edge not in found:
                found.add(edge)
                pending.append(edge)
    return found


def _apply_rule(node: Node, gradient: Tensor) -> Sequence[Tensor | None]:
    """Ask the op for the gradients of its inputs."""
    if node.args is None:
        raise RuntimeError(
            f"backward: the graph was freed by an earlier backward (at '{node.op.name}'); "
            "pass retain_graph=True to the first one"
        )
    try:
        parts = node.op.derivative(gradient, None if node.out is None else _output(node), *node.args)  # type: ignore[misc]  # it has a rule
    except Exception as error:
        error.add_note(f"in the derivative of op '{node.op.name}'")
        raise
    return parts if type(parts) is tuple else (parts,)


def _output(node: Node) -> Any:
    """The saved output as tensors; the first stands in the graph where it stood."""
    if type(node.out) is tuple:
        first = None if node.out[0] is None else _restored(node, node.out[0])
        return (first, *[Tensor(each) for each in node.out[1:]])
    return _restored(node, node.out)


def _restored(node: Node, array: Any) -> Tensor:
    out = Tensor(array)
    out.node, out._requires_grad = node, True
    return out


def _add(gradients: Gradients, edge: Node | Tensor, part: Tensor) -> None:
    """Add a gradient to what has arrived at a node or leaf, in its shape."""
    if part.array.shape != edge.shape:
        part = match_shape(part, edge.shape)
    before = gradients.get(edge)
    gradients[edge] = part if before is None else add(before, part)


def match_shape(gradient: Tensor, shape: Shape) -> Tensor:
    """Bring a gradient to an input's shape: sum where the input was broadcast, stretch where it was reduced."""
    extra = gradient.ndim - len(shape)
    dims = tuple([i for i, n in enumerate(gradient.shape) if i < extra or (shape[i - extra] == 1 and n != 1)])
    if dims:
        gradient = reduce_sum(gradient, dims, True)
    if extra > 0:
        gradient = reshape_to(gradient, gradient.shape[extra:])
    return gradient if gradient.shape == shape else broadcast_to(gradient, shape)


def _initial(name: str, outputs: list[Any], weights: list[Any]) -> Gradients:
    """What arrives at the outputs to begin with."""
    gradients: Gradients = {}
    if weights and len(weights) != len(outputs):
        raise ValueError(f"{name}: expected a gradient for each of {len(outputs)} outputs, got {len(weights)}")
    for output, weight in zip(outputs, weights or [None] * len(outputs), strict=True):
        if not isinstance(output, Tensor) or not output.requires_grad:
            raise RuntimeError(f"{name}: the output does not require grad; nothing was recorded that leads to it")
        if weight is None and output.array.size != 1:
            raise RuntimeError(
                f"{name}: only a tensor of one element has an implied gradient, this one has shape {output.shape}"
            )
        if weight is not None and (not isinstance(weight, Tensor) or weight.shape != output.shape):
            got = weight.shape if isinstance(weight, Tensor) else type(weight).__name__
            raise ValueError(f"{name}: expected a gradient of shape {output.shape}, got {got}")
        if weight is not None and not weight.is_floating_point():
            raise TypeError(f"{name}: expected a float gradient, got {weight.dtype}")
        _add(
            gradients,
            output.node or output,
            Tensor(np.ones_like(output.array)) if weight is None else weight.to(output.dtype),
        )
    return gradients


def _accumulate(leaf: Tensor, gradient: Tensor, shared: set[int], create_graph: bool) -> None:
    """Add to `.grad`; two leaves never share memory, so that writing one gradient leaves the other alone."""
    if leaf.grad is not None:
        with recording(create_graph):
            leaf.grad = add(leaf.grad, gradient)
        return
    if not create_graph and (gradient.array.base is not None or id(gradient.array) in shared):
        gradient = Tensor(copied.run(gradient.array))
    shared.add(id(gradient.array))
    leaf.grad = gradient


def _give_to_retaining(node: Node, gradient: Tensor) -> None:
    tensor = node.retained_by()
    if tensor is not None:
        tensor.grad = gradient.clone() if tensor.grad is None else add(tensor.grad, gradient)


def _listed(name: str, each: Any) -> list[Any]:
    if each is None:
        return []
    if isinstance(each, Tensor):
        return [each]
    if isinstance(each, str) or not isinstance(each, Iterable):
        raise TypeError(f"{name}: expected a Tensor or a list of them, got {type(each).__name__}")
    return list(each)


Tensor.engine = backward
