"""Initial weights: PyTorch's `nn.init`, drawn from the process's stream of random numbers.

Glorot & Bengio 2010 (xavier), He et al. 2015 (kaiming), Saxe et al. 2014 (orthogonal).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tinytorch.core.tensor import random
from tinytorch.core.tensor.inplace import note_write
from tinytorch.core.tensor.numbers import real
from tinytorch.core.tensor.promotion import floats_only, tensors_only

if TYPE_CHECKING:
    from tinytorch.core.tensor import Tensor
    from tinytorch.types import Array

GAINS = {
    "linear": 1.0,
    "conv1d": 1.0,
    "conv2d": 1.0,
    "sigmoid": 1.0,
    "tanh": 5.0 / 3.0,
    "relu": math.sqrt(2.0),
    "selu": 0.75,
}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """By how much a nonlinearity shrinks the spread, to be made good in the weights."""
    if nonlinearity == "leaky_relu":
        return math.sqrt(2.0 / (1.0 + (0.01 if param is None else param) ** 2))
    if nonlinearity not in GAINS:
        raise ValueError(
            f"calculate_gain: unknown nonlinearity '{nonlinearity}'; expected one of {', '.join(GAINS)}, leaky_relu"
        )
    return GAINS[nonlinearity]


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0) -> Tensor:
    """Uniform in [a, b)."""
    floats_only("uniform_", tensor)
    low, high = real("uniform_", "a", a), real("uniform_", "b", b)
    return _set(tensor, random.rand(tensor.shape, dtype=tensor.dtype).array * (high - low) + low)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0) -> Tensor:
    """Normal with this mean and standard deviation."""
    floats_only("normal_", tensor)
    middle, spread = real("normal_", "mean", mean), real("normal_", "std", std)
    if spread < 0:
        raise ValueError(f"normal_: expected std of 0 or more, got {std}")
    return _set(tensor, random.randn(tensor.shape, dtype=tensor.dtype).array * spread + middle)


def trunc_normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0) -> Tensor:
    """Normal, drawn again where it falls outside [a, b]."""
    floats_only("trunc_normal_", tensor)
    if not a < b or not a - 2 * std < mean < b + 2 * std:  # farther away, nearly all would be drawn again for ever
        raise ValueError(
            f"trunc_normal_: expected a < b and a mean near them, got [{a}, {b}] for mean {mean} and std {std}"
        )
    values = random.randn(tensor.shape, dtype=tensor.dtype).array * std + mean
    while (outside := (values < a) | (values > b)).any():
        values[outside] = random.randn(int(outside.sum()), dtype=tensor.dtype).array * std + mean
    return _set(tensor, values)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """One number everywhere."""
    tensors_only("constant_", tensor)
    return _set(tensor, np.full(tensor.shape, real("constant_", "val", val), tensor.dtype))


def zeros_(tensor: Tensor) -> Tensor:
    """Zeros."""
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """Ones."""
    return constant_(tensor, 1.0)


def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix."""
    if tensors_only("eye_", tensor)[0].ndim != 2:
        raise ValueError(f"eye_: expected a matrix, got shape {tensor.shape}")
    return _set(tensor, np.eye(*tensor.shape, dtype=tensor.dtype))


def xavier_uniform_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Uniform within gain * sqrt(6 / (fan_in + fan_out))."""
    fan_in, fan_out = fans("xavier_uniform_", tensor)
    bound = gain * math.sqrt(6.0 / (fan_in + fan_out))
    return uniform_(tensor, -bound, bound)


def xavier_normal_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Normal with standard deviation gain * sqrt(2 / (fan_in + fan_out))."""
    fan_in, fan_out = fans("xavier_normal_", tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / (fan_in + fan_out)))


def kaiming_uniform_(tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu") -> Tensor:
    """Uniform within gain * sqrt(3 / fan)."""
    bound = math.sqrt(3.0) * _kaiming_std("kaiming_uniform_", tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound)


def kaiming_normal_(tensor: Tensor, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu") -> Tensor:
    """Normal with standard deviation gain / sqrt(fan)."""
    return normal_(tensor, 0.0, _kaiming_std("kaiming_normal_", tensor, a, mode, nonlinearity))


def orthogonal_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """Rows (or columns, where they are fewer) at right angles, of length `gain`; later dimensions are flattened."""
    _check_dims("orthogonal_", tensor)
    rows, columns = tensor.shape[0], math.prod(tensor.shape[1:])
    drawn = random.randn(rows, columns, dtype="float64").array
    q, r = np.linalg.qr(drawn if rows >= columns else drawn.T)
    q = q * np.sign(np.diag(r))  # makes the draw uniform over rotations
    return _set(tensor, (gain * (q if rows >= columns else q.T)).reshape(tensor.shape))


def fans(name: str, tensor: Tensor) -> tuple[int, int]:
    """How many inputs each output sums, and how many outputs each input reaches: weight is (out, in, ...)."""
    _check_dims(name, tensor)
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def _kaiming_std(name: str, tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in {"fan_in", "fan_out"}:
        raise ValueError(f"{name}: expected mode 'fan_in' or 'fan_out', got {mode!r}")
    fan = fans(name, tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(max(fan, 1))


def _check_dims(name: str, tensor: Tensor) -> None:
    if floats_only(name, tensor)[0].ndim < 2:
        raise ValueError(f"{name}: expected a weight of at least 2 dimensions, got shape {tensor.shape}")


def _set(tensor: Tensor, values: Array) -> Tensor:
    """Write values into the tensor's memory, past the graph: initial values have no gradient."""
    np.copyto(tensor.array, values, casting="same_kind")
    note_write(tensor.array)
    return tensor
