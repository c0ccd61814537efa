"""Einstein sums, brought to matrix products.

Operands are joined two at a time, from the left: labels that nobody else needs are summed, labels that both have and
somebody needs are the batch, the other shared ones are the inner dimension of one `matmul`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.tensor.indexing import pick
from tinytorch.core.tensor.products import matmul
from tinytorch.core.tensor.promotion import tensors_only
from tinytorch.core.tensor.reductions import reduce_sum
from tinytorch.core.tensor.shapes import broadcast_to, permute_dims, reshape_to

if TYPE_CHECKING:
    from tinytorch.core.tensor.tensor import Tensor

    Labels = list[str]


def einsum(equation: str, *operands: Any) -> Tensor:
    """Sum products of elements as the equation says: `einsum("bik,bkj->bij", a, b)`; "..." is any dimensions."""
    tensors = operands[0] if len(operands) == 1 and isinstance(operands[0], (list, tuple)) else operands
    inputs, output = _parsed(equation, tensors)
    sizes = _sizes(equation, inputs, tensors)
    terms = [_diagonal(tensor, labels) for tensor, labels in zip(tensors, inputs, strict=True)]
    while len(terms) > 1:
        needed = set(output).union(*[labels for _, labels in terms[2:]])
        terms[:2] = [_joined(terms[0], terms[1], needed, sizes)]
    tensor, labels = _summed(*terms[0], set(output))
    tensor = permute_dims(tensor, tuple(labels.index(label) for label in output))
    return tensor if tensor is not tensors[0] else tensor.clone()


def _parsed(equation: str, tensors: Any) -> tuple[list[Labels], Labels]:
    """The labels of each operand and of the output; the dimensions of "..." are labelled ".0", ".1" from the right."""
    if not isinstance(equation, str):
        raise TypeError(f"einsum: expected an equation like 'ij,jk->ik' first, got {type(equation).__name__}")
    for tensor in tensors:
        tensors_only("einsum", tensor)
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(tensors):
        raise ValueError(f"einsum: '{equation}' needs {len(terms)} tensors, got {len(tensors)} operands")
    inputs = [_labels(equation, term, tensor.ndim) for term, tensor in zip(terms, tensors, strict=True)]
    dots = max((sorted(label for label in labels if label[0] == ".") for labels in inputs), key=len)[::-1]
    if not arrow:
        letters = "".join(terms).replace(".", "")
        return inputs, [*dots, *sorted(letter for letter in set(letters) if letters.count(letter) == 1)]
    output = [*right.partition("...")[0], *(dots if "..." in right else []), *right.partition("...")[2]]
    known = {label for labels in inputs for label in labels}
    if len(set(output)) != len(output) or not set(output) <= known:
        raise ValueError(f"einsum: the output of '{equation}' repeats a label or has one that no operand has")
    return inputs, output


def _labels(equation: str, term: str, ndim: int) -> Labels:
    before, dots, after = term.partition("...")
    count = ndim - len(before) - len(after)
    if (not (before + after).isalpha() and before + after) or count < 0 or (count and not dots):
        raise ValueError(f"einsum: '{term}' in '{equation}' does not fit a tensor of {ndim} dimensions")
    return [*before, *[f".{i}" for i in reversed(range(count))], *after]


def _sizes(equation: str, inputs: list[Labels], tensors: Any) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for labels, tensor in zip(inputs, tensors, strict=True):
        for label, size in zip(labels, tensor.shape, strict=True):
            if sizes.setdefault(label, size) == 1:
                sizes[label] = size
            elif size not in {1, sizes[label]}:
                raise ValueError(f"einsum: label '{label}' in '{equation}' has sizes {sizes[label]} and {size}")
    return sizes


def _diagonal(tensor: Tensor, labels: Labels) -> tuple[Tensor, Labels]:
    """The tensor without repeated labels: each pair of dimensions becomes its diagonal."""
    repeated = next((label for label in labels if labels.count(label) > 1), None)
    if repeated is None:
        return tensor, labels
    first, second = [i for i, label in enumerate(labels) if label == repeated][:2]
    rest = [i for i in range(len(labels)) if i not in {first, second}]
    steps = np.arange(tensor.shape[first])
    tensor = pick(permute_dims(tensor, (*rest, first, second)), (Ellipsis, steps, steps))
    return _diagonal(tensor, [labels[i] for i in rest] + [repeated])


def _summed(tensor: Tensor, labels: Labels, needed: set[str]) -> tuple[Tensor, Labels]:
    """The tensor with the labels that nobody needs summed away."""
    dims = tuple(i for i, label in enumerate(labels) if label not in needed)
    kept = [label for label in labels if label in needed]
    return (reduce_sum(tensor, dims, False) if dims else tensor), kept


def _joined(
    left: tuple[Tensor, Labels], right: tuple[Tensor, Labels], needed: set[str], sizes: dict[str, int]
) -> tuple[Tensor, Labels]:
    a, a_labels = _summed(*left, needed | set(right[1]))
    b, b_labels = _summed(*right, needed | set(left[1]))
    shared = [label for label in a_labels if label in b_labels]
    batch = [label for label in shared if label in needed]
    inner = [label for label in shared if label not in needed]
    rows = [label for label in a_labels if label not in shared]
    columns = [label for label in b_labels if label not in shared]
    out = matmul(
        _matrices(a, a_labels, (batch, rows, inner), sizes), _matrices(b, b_labels, (batch, inner, columns), sizes)
    )
    labels = [*batch, *rows, *columns]
    return reshape_to(out, tuple(sizes[label] for label in labels)), labels


def _matrices(tensor: Tensor, labels: Labels, groups: tuple[Labels, ...], sizes: dict[str, int]) -> Tensor:
    """The tensor with its labels in three groups, each one dimension: (batch, rows, columns)."""
    order = [label for group in groups for label in group]
    tensor = permute_dims(tensor, tuple(labels.index(label) for label in order))
    tensor = broadcast_to(tensor, tuple(sizes[label] for label in order))  # a size 1 under "..." stretches
    return reshape_to(tensor, tuple(math.prod(sizes[label] for label in group) for group in groups))
