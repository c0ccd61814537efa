"""Sparse execution: linear layers that multiply only by what is not zero, where that was measured to be faster.

The weight is kept as compressed sparse rows and multiplied by scipy, which is an extra. Dense products run near the
processor's limit and sparse ones far below it, so few weights must be left: `benchmarks/sparse_products.py` has the
table. It is for inference; there is no derivative.
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
from tinytorch.core.tensor import Tensor, op
from tinytorch.core.tensor.inplace import written_since
from tinytorch.core.tensor.numbers import real, whole
from tinytorch.core.tensor.op import next_serial
from tinytorch.core.training import evaluating
from tinytorch.tracing import Value, trace
from tinytorch.transforming import note
from tinytorch.types import Array
from tinytorch_compress.places import replace

ROUNDS = 15
MARGIN = 1.1  # times faster a sparse product must be, in the median, to be worth it


@op
def csr_linear(x: Array, values: Array, columns: Array, starts: Array, bias: Array | None) -> Array:
    """x @ weight.T + bias with the weight (out, in) as sparse rows: (..., in), (nonzero,), (nonzero,), (out + 1,)."""
    rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
    weight = _csr_matrix()((values, columns, starts), shape=(len(starts) - 1, x.shape[-1]), copy=False)
    out = np.ascontiguousarray((weight @ rows.T).T)
    if bias is not None:
        out += bias
    return out.reshape(*x.shape[:-1], len(starts) - 1)


class SparseLinear(Module):
    """A linear layer whose weight is kept as sparse rows; it answers, but does not learn.

    Whoever reads its weight gets a dense one.
    """

    def __init__(self, in_features: int, out_features: int, nonzero: int, bias: bool = True, dtype: Any = None) -> None:
        super().__init__()
        _csr_matrix()  # asked for here, so that no model is made that cannot run
        self.in_features, self.out_features = in_features, out_features
        kind = np.float32 if dtype is None else dtype
        self.register_buffer("values", Tensor(np.zeros(nonzero, kind)))
        self.register_buffer("columns", Tensor(np.zeros(nonzero, np.int32)))
        self.register_buffer("starts", Tensor(np.zeros(out_features + 1, np.int32)))
        self.register_buffer("bias", Tensor(np.zeros(out_features, kind)) if bias else None)
        self.register_computed("weight", SparseLinear.dense)
        self._checked: Any = None  # the places that were looked at, and when

    @classmethod
    def of(cls, layer: Linear) -> SparseLinear:
        """Make one of a dense layer."""
        weight = layer.weight.array
        row, column = np.nonzero(weight)
        made = cls(layer.in_features, layer.out_features, len(row), layer.bias is not None, weight.dtype)
        made.values.array[:] = weight[row, column]
        made.columns.array[:] = column
        made.starts.array[:] = np.searchsorted(row, np.arange(layer.out_features + 1))
        if layer.bias is not None:
            made.bias.array[:] = layer.bias.array
        return made

    def forward(self, input: Tensor) -> Tensor:
        """(..., in_features) -> (..., out_features)."""
        if input.shape[-1:] != (self.in_features,):
            raise ValueError(f"SparseLinear: expected (..., {self.in_features}), got {input.shape}")
        self._check_places()
        return csr_linear(input, self.values, self.columns, self.starts, self.bias)

    def dense(self) -> Tensor:
        """The weight with its zeros: (out_features, in_features)."""
        self._check_places()
        weight = np.zeros((self.out_features, self.in_features), self.values.dtype)
        rows = np.repeat(np.arange(self.out_features), np.diff(self.starts.array))
        weight[rows, self.columns.array] = self.values.array
        return Tensor(weight)

    def _check_places(self) -> None:
        """Raise ValueError for places outside of the weight, which a file may bring and scipy would read."""
        columns, starts = self.columns.array, self.starts.array
        seen = self._checked
        if seen and seen[0] is columns and seen[1] is starts and not any(written_since(a, seen[2]) for a in seen[:2]):
            return
        inside = not len(columns) or (columns.min() >= 0 and columns.max() < self.in_features)
        if not inside or starts[0] != 0 or starts[-1] != len(columns) or (np.diff(starts) < 0).any():
            raise ValueError("SparseLinear: its columns and starts are no places in its weight")
        self._checked = columns, starts, next_serial()

    def extra_repr(self) -> str:
        """Return the sizes, as `repr` shows them."""
        return f"in_features={self.in_features}, out_features={self.out_features}, nonzero={len(self.values)}"


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
    with evaluating(model):  # so that no batch norm's averages move
        calls = trace(model, *inputs).calls
    for call in calls:
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


def _csr_matrix() -> Any:
    try:
        from scipy.sparse import csr_matrix
    except ImportError as error:
        raise ImportError("sparse execution needs scipy: pip install 'tinytorch-compress[sparse]'") from error
    return csr_matrix
