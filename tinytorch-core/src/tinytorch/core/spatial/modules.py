"""Convolution and pooling as people call them: functions with PyTorch's arguments, and layers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tinytorch.core.layers import init
from tinytorch.core.module import Module, Parameter
from tinytorch.core.spatial import convolution, pooling
from tinytorch.core.spatial.geometry import of_one_or_many, output_size, pair, sides
from tinytorch.core.tensor.creation import empty
from tinytorch.core.tensor.numbers import whole
from tinytorch.core.tensor.promotion import tensors_only

if TYPE_CHECKING:
    from tinytorch.core.tensor import Tensor


@of_one_or_many(4)
def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Slide windows over images: (batch, in, h, w), (out, in / groups, kh, kw) -> (batch, out, h', w').

    Padding is an int, a pair, four numbers (left, right, top, bottom), 'same' or 'valid'; it counts as 0.
    """
    shape = tensors_only("conv2d", weight)[0].array.shape
    step, spread = pair("conv2d", "stride", stride), pair("conv2d", "dilation", dilation)
    whole("conv2d", "groups", groups, least=1)
    if len(shape) != 4:
        raise ValueError(f"conv2d: expected a weight of 4 dimensions, got shape {shape}")
    around = sides("conv2d", padding, shape[2:], step, spread)
    return convolution.conv2d(input, weight, bias, step, around, spread, groups)


@of_one_or_many(3)
def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int = 1,
    padding: Any = 0,
    dilation: int = 1,
    groups: int = 1,
) -> Tensor:
    """Slide windows over sequences: (batch, in, length), (out, in / groups, k) -> (batch, out, length')."""
    tensors_only("conv1d", input)
    tensors_only("conv1d", weight)
    if input.ndim != 3 or weight.ndim != 3:
        raise ValueError(f"conv1d: expected input and weight of 3 dimensions, got {input.shape} and {weight.shape}")
    if input.shape[1] != weight.shape[1] * whole("conv1d", "groups", groups, least=1):
        raise ValueError(f"conv1d: input {input.shape} does not fit weight {weight.shape} with {groups} groups")
    step, spread = (1, _one("conv1d", "stride", stride)), (1, _one("conv1d", "dilation", dilation))
    around = sides("conv1d", _one_sided("conv1d", padding), (1, weight.shape[2]), step, spread)
    if output_size(input.shape[2], around[1], weight.shape[2], step[1], spread[1]) < 1:
        raise ValueError(
            f"conv1d: a window of {weight.shape[2]} does not fit into input {input.shape} with padding {around[1]}"
        )
    images = convolution.conv2d(input.unsqueeze(2), weight.unsqueeze(2), bias, step, around, spread, groups)
    return images.squeeze(2)


class _Conv(Module):
    """What Conv1d and Conv2d share: parameters and PyTorch's initial distribution."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: tuple[int, ...],
        stride: Any,
        padding: Any,
        dilation: Any,
        groups: int,
        bias: bool,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        whole(name, "in_channels", in_channels, least=0)
        whole(name, "out_channels", out_channels, least=0)
        if whole(name, "groups", groups) < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(f"{name}: {in_channels} -> {out_channels} channels cannot be divided into {groups} groups")
        self.in_channels, self.out_channels, self.kernel_size = in_channels, out_channels, kernel
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups
        self.weight = Parameter(empty(out_channels, in_channels // groups, *kernel))
        self.register_parameter("bias", Parameter(empty(out_channels)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5.0))
        if self.bias is not None:
            bound = 1.0 / math.sqrt(math.prod(self.weight.shape[1:]))
            init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        """Return the options, as `repr` shows them."""
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        text += f", padding={self.padding!r}" if self.padding not in (0, (0, 0), (0,)) else ""
        text += f", groups={self.groups}" if self.groups != 1 else ""
        return text + (", bias=False" if self.bias is None else "")


class Conv1d(_Conv):
    """Windows over sequences."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: Any = 0,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        kernel = _one("Conv1d", "kernel_size", kernel_size)
        step, spread = _one("Conv1d", "stride", stride), _one("Conv1d", "dilation", dilation)
        sides("Conv1d", _one_sided("Conv1d", padding), (1, kernel), (1, step), (1, spread))
        super().__init__(in_channels, out_channels, (kernel,), step, padding, spread, groups, bias)

    def forward(self, input: Tensor) -> Tensor:
        """(batch, in_channels, length) -> (batch, out_channels, length')."""
        return conv1d(input, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class Conv2d(_Conv):
    """Windows over images."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        kernel = pair("Conv2d", "kernel_size", kernel_size)
        step, spread = pair("Conv2d", "stride", stride), pair("Conv2d", "dilation", dilation)
        sides("Conv2d", padding, kernel, step, spread)
        super().__init__(in_channels, out_channels, kernel, step, padding, spread, groups, bias)

    def forward(self, input: Tensor) -> Tensor:
        """(batch, in_channels, h, w) -> (batch, out_channels, h', w')."""
        return conv2d(input, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class MaxPool2d(Module):
    """The largest element of each window."""

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def forward(self, input: Tensor) -> Any:
        """(batch, channels, h, w) -> (batch, channels, h', w'), with the positions in the image if asked for."""
        window = (self.kernel_size, self.stride, self.padding, self.dilation)
        return pooling.max_pooled(input, *window, self.ceil_mode, self.return_indices)

    def extra_repr(self) -> str:
        """Return the options, as `repr` shows them."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(Module):
    """The mean of each window."""

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding = kernel_size, kernel_size if stride is None else stride, padding
        self.ceil_mode, self.count_include_pad, self.divisor_override = ceil_mode, count_include_pad, divisor_override

    def forward(self, input: Tensor) -> Tensor:
        """(batch, channels, h, w) -> (batch, channels, h', w')."""
        options = (self.ceil_mode, self.count_include_pad, self.divisor_override)
        return pooling.avg_pooled(input, self.kernel_size, self.stride, self.padding, *options)

    def extra_repr(self) -> str:
        """Return the options, as `repr` shows them."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AdaptiveAvgPool2d(Module):
    """Means over output_size bins that cover the image."""

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        """(batch, channels, h, w) -> (batch, channels, *output_size)."""
        return pooling.adaptive_avg_pool2d(input, self.output_size)

    def extra_repr(self) -> str:
        """Return the options, as `repr` shows them."""
        return f"output_size={self.output_size}"


def _one(name: str, what: str, value: Any, least: int = 1) -> int:
    """An int, or one in a tuple."""
    return whole(name, what, value[0] if isinstance(value, (tuple, list)) and len(value) == 1 else value, least)


def _one_sided(name: str, padding: Any) -> Any:
    """A 1-d padding as one for images that are one pixel high."""
    if isinstance(padding, str):
        return padding
    if isinstance(padding, (tuple, list)) and len(padding) == 2:
        return (*padding, 0, 0)
    return (0, _one(name, "padding", padding, least=0))
