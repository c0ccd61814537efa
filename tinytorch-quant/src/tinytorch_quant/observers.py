"""Observers: what watches activations during calibration and then chooses their scale and zero point.

Names and numbers are torch.ao.quantization's where it has them; `PercentileObserver` and `EntropyObserver` are more
ways to leave outliers out (Wu et al. 2020, section 3.3; Migacz 2017). An observer is a module that gives its input on.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from tinytorch.core.module import Module
from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.numbers import real, whole
from tinytorch.core.tensor.promotion import floats_only
from tinytorch_quant.affine import MAPPINGS, qparams_of_range

if TYPE_CHECKING:
    from tinytorch.types import Array


class Observer(Module):
    """The base: `forward` notes numbers, `calculate_qparams` gives scale and zero point; nothing is saved."""

    def __init__(self, mapping_type: str = "asymmetric", quant_min: int = -128, quant_max: int = 127) -> None:
        super().__init__()
        if mapping_type not in MAPPINGS:
            raise ValueError(f"{type(self).__name__}: expected {' or '.join(MAPPINGS)}, got {mapping_type!r}")
        self.mapping_type, self.quant_min, self.quant_max = mapping_type, quant_min, quant_max
        self.min_val: Array | None = None
        self.max_val: Array | None = None

    def forward(self, input: Tensor) -> Tensor:
        """Note the numbers: (...) -> the same tensor; raise ValueError for nan and infinity."""
        (x,) = floats_only(type(self).__name__, input)
        if x.array.size:
            if not np.isfinite(x.array).all():
                raise ValueError(f"{type(self).__name__}: expected finite numbers to observe, got nan or infinity")
            self.observe(x.array)
        return input

    @abstractmethod
    def observe(self, x: Array) -> None:
        """Note finite numbers."""

    def range(self) -> tuple[Array, Array]:
        """The least and the largest number that codes will have; raise ValueError where nothing was observed."""
        if self.min_val is None or self.max_val is None:
            raise ValueError(f"{type(self).__name__}: has seen no data; calibrate it with some batches first")
        return self.min_val, self.max_val

    def calculate_qparams(self) -> tuple[Tensor, Tensor]:
        """Scale (float32) and zero point (int32)."""
        scale, zero_point = qparams_of_range(*self.range(), self.mapping_type, self.quant_min, self.quant_max)
        return Tensor(scale), Tensor(zero_point)

    def extra_repr(self) -> str:
        """Return the options, as `repr` shows them."""
        return f"{self.mapping_type}, {self.quant_min}..{self.quant_max}, from {self.min_val} to {self.max_val}"


class MinMaxObserver(Observer):
    """The least and the largest of all numbers."""

    def observe(self, x: Array) -> None:
        """Widen the range."""
        low, high = self.limits(x)
        self.min_val = low if self.min_val is None else np.minimum(self.min_val, low)
        self.max_val = high if self.max_val is None else np.maximum(self.max_val, high)

    def limits(self, x: Array) -> tuple[Array, Array]:
        """The least and the largest number of a batch."""
        return np.asarray(x.min(), np.float32), np.asarray(x.max(), np.float32)


class MovingAverageMinMaxObserver(MinMaxObserver):
    """Moving averages of the batches' least and largest numbers, which one strange batch cannot spoil."""

    def __init__(
        self,
        averaging_constant: float = 0.01,
        mapping_type: str = "asymmetric",
        quant_min: int = -128,
        quant_max: int = 127,
    ) -> None:
        super().__init__(mapping_type, quant_min, quant_max)
        self.averaging_constant = real(type(self).__name__, "averaging_constant", averaging_constant)

    def observe(self, x: Array) -> None:
        """Move a step towards this batch's range."""
        low, high = self.limits(x)
        step = np.float32(self.averaging_constant)
        self.min_val = low if self.min_val is None else self.min_val + step * (low - self.min_val)
        self.max_val = high if self.max_val is None else self.max_val + step * (high - self.max_val)


class PerChannelMinMaxObserver(MinMaxObserver):
    """The least and the largest number of each channel, that is of each index along `ch_axis`."""

    def __init__(
        self, ch_axis: int = 0, mapping_type: str = "asymmetric", quant_min: int = -128, quant_max: int = 127
    ) -> None:
        super().__init__(mapping_type, quant_min, quant_max)
        self.ch_axis = whole(type(self).__name__, "ch_axis", ch_axis, least=0)

    def limits(self, x: Array) -> tuple[Array, Array]:
        """The least and the largest number of each channel of a batch: two of (channels,)."""
        return _channel_limits(type(self).__name__, x, self.ch_axis)


class MovingAveragePerChannelMinMaxObserver(MovingAverageMinMaxObserver):
    """Moving averages of each channel's least and largest number."""

    def __init__(
        self,
        averaging_constant: float = 0.01,
        ch_axis: int = 0,
        mapping_type: str = "asymmetric",
        quant_min: int = -128,
        quant_max: int = 127,
    ) -> None:
        super().__init__(averaging_constant, mapping_type, quant_min, quant_max)
        self.ch_axis = whole(type(self).__name__, "ch_axis", ch_axis, least=0)

    def limits(self, x: Array) -> tuple[Array, Array]:
        """The least and the largest number of each channel of a batch: two of (channels,)."""
        return _channel_limits(type(self).__name__, x, self.ch_axis)


def _channel_limits(name: str, x: Array, axis: int) -> tuple[Array, Array]:
    if axis >= x.ndim:
        raise ValueError(f"{name}: expected a tensor with a dimension {axis}, got shape {x.shape}")
    others = tuple(dim for dim in range(x.ndim) if dim != axis)
    return x.min(axis=others).astype(np.float32), x.max(axis=others).astype(np.float32)
