"""How many multiplications with an addition (MACs) a call of an op takes: a formula for each op that makes products.

The convention is that of PyTorch's `FlopCounterMode`: products count, in full. A convolution counts the zeros of its
padding, attention the scores that a causal mask hides, and biases count nothing. `attention_grad` counts five
products, as PyTorch's fused kernels are counted: the scores are made anew. (Of `scaled_dot_product_attention` on a CPU
FlopCounterMode has no formula, and counts 0.) Where PyTorch is inexact this is not: the weight's gradient of a
convolution in groups is not counted as if it were dense, and products with a vector count, too.

What only moves numbers has 0 MACs, exactly. All else, elementwise arithmetic for one, has no formula.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod

from tinytorch_profiling.events import Call, Recording, specs

Formula = Callable[[Call], int]

CONVENTION = "1 MAC = 2 FLOPs; only products are counted"

VIEWS = ("broadcast_to", "flip_dims", "permute_dims", "reshape_to", "view_slice")
PICKS = ("embedding", "gather_along", "max_pool2d_pick", "pick")
MOVES = (*VIEWS, *PICKS, "assign", "cast", "concatenate", "copied", "pad_constant", "put_slice", "select")

FORMULAS: dict[str, Formula] = dict.fromkeys(MOVES, lambda _: 0)


def formula(*ops: str) -> Callable[[Formula], Formula]:
    """Decorate a function of a `Call` that says how many MACs it takes: `@formula("int8_linear")`."""
    if not ops or not all(isinstance(name, str) for name in ops):
        raise TypeError('formula: expected names of ops, as in @formula("int8_linear")')
    for name in ops:
        if name in FORMULAS:
            raise ValueError(f"formula: '{name}' has one; to replace it, assign FORMULAS['{name}']")

    def registered(function: Formula) -> Formula:
        FORMULAS.update(dict.fromkeys(ops, function))
        return function

    return registered


def macs(call: Call) -> int | None:
    """The MACs of a call, None where nobody knows a formula."""
    known = FORMULAS.get(call.op)
    return None if known is None else known(call)


def moved(call: Call) -> int:
    """The bytes that a call moves at least: of all arrays that it takes and gives, where it picks of what it picks.

    Of a view none; `reshape_to` counts as one even where it has to copy, since shapes alone do not tell.
    """
    if call.op in VIEWS or (call.op == "cast" and call.inputs[0].dtype == call.outputs[0].dtype):
        return 0
    if call.op in PICKS:
        return 2 * call.outputs[0].nbytes + sum(spec.nbytes for spec in specs(call.inputs[1:]))
    return call.nbytes


def counted(recording: Recording) -> Iterator[tuple[Call, int | None]]:
    """The calls of a recording with their MACs; what a call with a formula calls itself is part of it."""
    known = {call: macs(call) for call in recording.calls}
    covered: set[Call] = set()
    for call in recording.calls:  # in the order of beginning: a parent comes before what it calls
        parent = call.parent
        if parent is not None and (parent in covered or known[parent] is not None):
            covered.add(call)
        else:
            yield call, known[call]


@formula("matmul")
def _matmul(call: Call) -> int:
    return prod(call.outputs[0].shape) * int(call.inputs[0].shape[-1])


@formula("linear")
def _linear(call: Call) -> int:
    return prod(call.outputs[0].shape) * int(call.inputs[1].shape[1])


@formula("linear_weight_grad")
def _linear_weight_grad(call: Call) -> int:
    grad, x = call.inputs
    return prod(grad.shape) * int(x.shape[-1])


@formula("conv2d")
def _conv2d(call: Call) -> int:
    return prod(call.outputs[0].shape) * prod(call.inputs[1].shape[1:])  # each number that comes out: a whole window


@formula("conv2d_input_grad")
def _conv2d_input_grad(call: Call) -> int:
    grad, weight = call.inputs[:2]
    return prod(grad.shape) * prod(weight.shape[1:])


@formula("conv2d_weight_grad")
def _conv2d_weight_grad(call: Call) -> int:
    grad, _, weight_shape = call.inputs[:3]
    return prod(grad.shape) * prod(weight_shape[1:])


@formula("attention")
def _attention(call: Call) -> int:
    q, k, v = call.inputs[:3]
    return prod(q.shape[:3]) * int(k.shape[2]) * (q.shape[3] + v.shape[3])


@formula("attention_grad")
def _attention_grad(call: Call) -> int:
    """Scores anew, and their slopes; from these the gradients of queries and keys, and those of values."""
    _, q, k, v = call.inputs[:4]
    return prod(q.shape[:3]) * int(k.shape[2]) * (3 * q.shape[3] + 2 * v.shape[3])
