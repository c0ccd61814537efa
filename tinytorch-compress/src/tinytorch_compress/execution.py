"""Sparse execution: linear layers with sparse rows, where that was measured to be faster.

Dense products run near the processor's limit and sparse ones far below it, so few weights must be left:
`benchmarks/sparse_products.py` has the table.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from tinytorch.core.autograd import no_grad
from tinytorch.core.layers import Linear, Module
from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.numbers import real, whole
from tinytorch.tracing import Value
from tinytorch.transforming import note
from tinytorch_compress.places import replace
from tinytorch_compress.sparse import SparseLinear
from tinytorch_compress.traces import traced

ROUNDS = 15
MARGIN = 1.1  # times faster a sparse product must be, in the median, to be worth it


class Choice(NamedTuple):
    """What was measured for a layer."""

    layer: str
    rows: int  # of its input
    sparsity: float
    dense_seconds: float  # the median of a call
    sparse_seconds: float
    ratio: float  # the median of dense over sparse, in turns
    is_sparse: bool


def sparsify_execution(
    model: Module, *inputs: Tensor, rounds: int = ROUNDS, margin: float = MARGIN
) -> tuple[Module, list[Choice]]:
    """Replace the linear layers that are faster with sparse rows, on inputs as large as these; say what was measured.

    The answers differ by rounding alone. The layers' own inputs are drawn, since only their size matters here.
    """
    whole("sparsify_execution", "rounds", rounds, least=1)
    real("sparsify_execution", "margin", margin)
    if not isinstance(model, Module) or type(model) is Linear:
        raise TypeError(f"sparsify_execution: expected a module with linear layers in it, got {type(model).__name__}")
    rows = _rows(model, *inputs)
    layers = {name: module for name, module in model.named_modules() if type(module) is Linear and name in rows}
    choices = [measured(name, layer, rows[name], rounds, margin) for name, layer in layers.items()]
    chosen = {each.layer: SparseLinear.of(layers[each.layer]) for each in choices if each.is_sparse}
    replace(model, {layers[name]: made for name, made in chosen.items()})
    if chosen:
        note(model, "compress", "sparse", {"nonzero": {name: len(made.values) for name, made in chosen.items()}})
    return model, choices


def transform(model: Module, *, calibration: Iterable[Tensor], margin: float = MARGIN) -> Module:
    """`sparsify_execution` as a registered transform: the first calibration batch says how many rows there are."""
    for batch in calibration:
        return sparsify_execution(model, batch, margin=margin)[0]
    raise ValueError("sparse: expected at least one batch of calibration inputs, got none")


def sparse_like(model: Module, structure: dict[str, Any]) -> Module:
    """Give a model sparse layers where some were once noted; raises ValueError where they cannot be."""
    told, layers = structure.get("nonzero"), {name: each for name, each in model.named_modules() if name}
    able = isinstance(told, dict) and all(
        type(layers.get(name)) is Linear and type(count) is int and 0 <= count <= layers[name].weight.array.size
        for name, count in told.items()
    )
    if not able or told is None:
        raise ValueError(f"sparse: expected linear layers and how many of their weights are not zero, got {told!r:.80}")
    made = {}
    for name, count in told.items():
        old = layers[name]
        made[name] = SparseLinear(old.in_features, old.out_features, count, old.bias is not None, old.weight.dtype)
    replace(model, {layers[name]: each for name, each in made.items()})
    return model


def measured(name: str, layer: Linear, rows: int, rounds: int = ROUNDS, margin: float = MARGIN) -> Choice:
    """Time a layer dense and sparse in turns, on drawn rows."""
    sparse = SparseLinear.of(layer)
    x = Tensor(np.random.default_rng(0).standard_normal((rows, layer.in_features)).astype(layer.weight.dtype))
    with no_grad():
        calls = _enough(lambda: layer(x)), _enough(lambda: sparse(x))
        times = [(_seconds(layer, x, calls[0]), _seconds(sparse, x, calls[1])) for _ in range(rounds)]
    ratio = statistics.median(dense / other for dense, other in times)
    dense, other = (statistics.median(column) for column in zip(*times, strict=True))
    zeros = 1.0 - len(sparse.values) / max(layer.weight.array.size, 1)
    return Choice(name, rows, zeros, dense, other, ratio, ratio > margin)


def _rows(model: Module, *inputs: Tensor) -> dict[str, int]:
    """How many rows each linear layer gets, by its dotted name."""
    found = {}
    for call in traced("sparsify_execution", model, inputs).calls:
        if call.op == "linear" and isinstance(call.inputs[0], Value):
            shape = call.inputs[0].shape
            found[call.module] = math.prod(shape[:-1])
    return found


def _enough(call: Callable[[], Any]) -> int:
    """How many calls take a millisecond or so; the first ones warm up."""
    call()
    began = time.perf_counter()
    call()
    return max(1, round(1e-3 / max(time.perf_counter() - began, 1e-6)))


def _seconds(layer: Module, x: Tensor, calls: int) -> float:
    began = time.perf_counter()
    for _ in range(calls):
        layer(x)
    return (time.perf_counter() - began) / calls
