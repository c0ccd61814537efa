"""A linear layer that multiplies only by what is not zero.

The weight is kept as compressed sparse rows and multiplied by scipy, which is an extra. It is for inference; there is
no derivative. Where it is faster than the dense layer is another matter (see `execution`).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinytorch.core.layers import Linear, Module
from tinytorch.core.tensor import Tensor, op
from tinytorch.core.tensor.inplace import written_since
from tinytorch.core.tensor.op import next_serial
from tinytorch.types import Array


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


def _csr_matrix() -> Any:
    try:
        from scipy.sparse import csr_matrix
    except ImportError as error:
        raise ImportError("sparse execution needs scipy: pip install 'tinytorch-compress[sparse]'") from error
    return csr_matrix
