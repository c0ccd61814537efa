"""Layers of int8 codes for use one by one: what `torch.ao.nn.quantized` calls Linear and Conv2d.

Each gives what it takes: of codes, codes; of floats, floats, which are rounded to codes on the way in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.layers import Linear
from tinytorch.core.module import Module
from tinytorch.core.spatial import Conv2d
from tinytorch.core.spatial.geometry import pair, sides
from tinytorch.core.tensor import Tensor
from tinytorch_quant.integer.constants import layer_constants, weight_scales
from tinytorch_quant.integer.elementwise import int8_dequantize, int8_quantize
from tinytorch_quant.integer.model import channels_last_memory
from tinytorch_quant.integer.products import conv2d_multiplier, int8_conv2d, int8_linear, linear_multiplier

if TYPE_CHECKING:
    from tinytorch.types import Array
    from tinytorch_quant.integer.constants import QParams


class _Quantized(Module):
    """Constants as buffers, and the scales and zero points of what goes in and out, which are saved with them."""

    def __init__(self, constants: Mapping[str, Array], input: QParams, output: QParams, relu: bool) -> None:
        super().__init__()
        for name in ("weight", "bias", "mantissa", "shift"):
            self.register_buffer(name, Tensor(channels_last_memory(constants[name])))
        self.register_buffer("scales", Tensor(np.array([input[0], output[0]], np.float64)))
        self.register_buffer("zero_points", Tensor(np.array([input[1], output[1]], np.int8)))
        self.relu = relu

    def forward(self, input: Tensor) -> Tensor:
        """Compute codes of codes, floats of floats."""
        (scale, out_scale), (fill, zero_point) = self.scales.tolist(), self.zero_points.tolist()
        low = zero_point if self.relu else -128
        if input.dtype == "int8":
            return self._codes(input, fill, zero_point, low)
        codes = self._codes(int8_quantize(input, scale, fill), fill, zero_point, low)
        return int8_dequantize(codes, out_scale, zero_point)

    def _codes(self, x: Tensor, fill: int, zero_point: int, low: int) -> Tensor:
        raise NotImplementedError

    def _layer(self) -> tuple[Any, ...]:
        return self.weight, self.bias, self.mantissa, self.shift


class QuantizedLinear(_Quantized):
    """`x @ weight.T + bias` of codes, (..., in) -> (..., out), with ReLU if asked for."""

    @classmethod
    def from_float(
        cls, module: Linear, input: QParams, output: QParams, scales: Any = None, relu: bool = False
    ) -> QuantizedLinear:
        """Quantize a layer; of what goes in and out (scale, zero point), weights by output unless told otherwise."""
        return cls(_constants(module, input, output, scales, linear_multiplier), input, output, relu)

    def _codes(self, x: Tensor, fill: int, zero_point: int, low: int) -> Tensor:
        return int8_linear(x, *self._layer(), zero_point, low, 127)

    def extra_repr(self) -> str:
        """Return the sizes, as `repr` shows them."""
        out, into = self.weight.shape
        return f"in_features={into}, out_features={out}, relu={self.relu}"


class QuantizedConv2d(_Quantized):
    """Windows over images of codes, with ReLU if asked for."""

    def __init__(
        self, constants: Mapping[str, Array], input: QParams, output: QParams, relu: bool, window: tuple[Any, ...]
    ) -> None:
        super().__init__(constants, input, output, relu)
        self.window = window  # stride, padding, dilation, groups, as `int8_conv2d` takes them

    @classmethod
    def from_float(
        cls, module: Conv2d, input: QParams, output: QParams, scales: Any = None, relu: bool = False
    ) -> QuantizedConv2d:
        """Quantize a layer; of what goes in and out (scale, zero point), weights by output unless told otherwise."""
        constants = _constants(module, input, output, scales, conv2d_multiplier)
        return cls(constants, input, output, relu, conv2d_window(module))

    def _codes(self, x: Tensor, fill: int, zero_point: int, low: int) -> Tensor:
        return int8_conv2d(x, *self._layer(), *self.window, fill, zero_point, low, 127)

    def extra_repr(self) -> str:
        """Return the sizes and the window, as `repr` shows them."""
        stride, padding, _, groups = self.window
        return f"weight={self.weight.shape}, {stride=}, {padding=}, {groups=}, relu={self.relu}"


def conv2d_window(module: Conv2d) -> tuple[Any, ...]:
    """The stride, padding, dilation and groups of a Conv2d as the op takes them."""
    stride, dilation = pair("Conv2d", "stride", module.stride), pair("Conv2d", "dilation", module.dilation)
    kernel = module.weight.shape[2], module.weight.shape[3]
    return stride, sides("Conv2d", module.padding, kernel, stride, dilation), dilation, module.groups


def _constants(module: Any, input: QParams, output: QParams, scales: Any, multiplier: Any) -> dict[str, Array]:
    weight, bias = module.weight.array, None if module.bias is None else module.bias.array
    chosen = weight_scales(weight, bias, input, output) if scales is None else scales
    return layer_constants(weight, bias, chosen, input, output, multiplier)
