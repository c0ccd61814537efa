"""Normalization as modules: what is learned, and the running averages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinytorch.core.layers.normalization import batch_normalized, group_norm, layer_normalized
from tinytorch.core.module import Module, Parameter
from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.axes import shape_of
from tinytorch.core.tensor.creation import ones, tensor, zeros
from tinytorch.core.tensor.numbers import real, whole
from tinytorch.core.tensor.promotion import tensors_only

if TYPE_CHECKING:
    from collections.abc import Sequence


class LayerNorm(Module):
    """Normalize over the last dimensions, of shape normalized_shape."""

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.normalized_shape = shape_of("LayerNorm", (normalized_shape,))
        if any(n < 0 for n in self.normalized_shape):
            raise ValueError(f"LayerNorm: expected sizes of 0 or more, got {self.normalized_shape}")
        self.eps = real("LayerNorm", "eps", eps)
        self.register_parameter("weight", Parameter(ones(self.normalized_shape)) if elementwise_affine else None)
        self.register_parameter(
            "bias", Parameter(zeros(self.normalized_shape)) if elementwise_affine and bias else None
        )

    def forward(self, input: Tensor) -> Tensor:
        """(..., *normalized_shape) -> the same."""
        return layer_normalized(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the options, as `repr` shows them."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.weight is not None}"


class GroupNorm(Module):
    """Normalize each sample over num_groups groups of channels."""

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True) -> None:
        super().__init__()
        if num_channels % whole("GroupNorm", "num_groups", num_groups, least=1):
            raise ValueError(f"GroupNorm: {num_channels} channels cannot be divided into {num_groups} groups")
        self.num_groups, self.num_channels, self.eps = num_groups, num_channels, eps
        self.register_parameter("weight", Parameter(ones(num_channels)) if affine else None)
        self.register_parameter("bias", Parameter(zeros(num_channels)) if affine else None)

    def forward(self, input: Tensor) -> Tensor:
        """(batch, num_channels, ...) -> the same."""
        return group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the options, as `repr` shows them."""
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.weight is not None}"


class _BatchNorm(Module):
    """What BatchNorm1d and BatchNorm2d share: they differ in the inputs they accept."""

    dims: tuple[int, ...]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        self.num_features, self.eps = whole(name, "num_features", num_features, least=0), real(name, "eps", eps)
        self.momentum = None if momentum is None else real(name, "momentum", momentum)
        self.register_parameter("weight", Parameter(ones(num_features)) if affine else None)
        self.register_parameter("bias", Parameter(zeros(num_features)) if affine else None)
        self.register_buffer("running_mean", zeros(num_features) if track_running_stats else None)
        self.register_buffer("running_var", ones(num_features) if track_running_stats else None)
        self.register_buffer("num_batches_tracked", tensor(0) if track_running_stats else None)

    def forward(self, input: Tensor) -> Tensor:
        """(batch, num_features, ...) -> the same."""
        shape = input.array.shape if isinstance(input, Tensor) else ()
        if len(shape) not in self.dims or shape[1] != self.num_features:
            name = type(self).__name__
            tensors_only(name, input)
            dims = " or ".join(map(str, self.dims))
            raise ValueError(f"{name}: expected (batch, {self.num_features}, ...) of {dims} dimensions, got {shape}")
        momentum = self.momentum
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.array += 1
            momentum = 1.0 / float(self.num_batches_tracked) if momentum is None else momentum
        training = self.training or self.running_mean is None
        return batch_normalized(
            input, self.running_mean, self.running_var, self.weight, self.bias, training, momentum or 0.0, self.eps
        )

    def extra_repr(self) -> str:
        """Return the options, as `repr` shows them."""
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.weight is not None}"


class BatchNorm1d(_BatchNorm):
    """Normalize each feature over the batch: (batch, features) or (batch, features, length)."""

    dims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Normalize each channel over batch and space: (batch, channels, height, width)."""

    dims = (4,)
