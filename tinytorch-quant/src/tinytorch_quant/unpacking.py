"""Unpacking: an integer model as a float one, from its steps alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.module import Parameter
from tinytorch.core.tensor import Tensor
from tinytorch_quant.fusion import FusedModel
from tinytorch_quant.integer import Stored, Value
from tinytorch_quant.layers import (
    Add,
    AvgPool,
    Convolution,
    FullyConnected,
    Layer,
    MaxPool,
    Operation,
    Reshape,
    SoftMax,
)
from tinytorch_quant.qtensor import unpack_int4

if TYPE_CHECKING:
    from tinytorch.types import Array
    from tinytorch_quant.packed import PackedModel

PASSED = ("int8_quantize", "int8_dequantize", "int4_unpack")  # steps that floats do not need


def unpacked(model: PackedModel) -> FusedModel:
    """The float model whose weights are what the codes stand for, and whose layers have the codes' limits."""
    return _Unpacker(model).fused()


class _Unpacker:
    def __init__(self, model: PackedModel) -> None:
        self.model, self.arrays = model, model.arrays()
        self.numbers = {model.inputs[0].name: 0}
        self.unpacked: dict[str, Array] = {}

    def fused(self) -> FusedModel:
        layers, sources, names = list[Layer](), list[tuple[int, ...]](), list[str]()
        for step in self.model.steps:
            values = [arg.value for arg in step.args if isinstance(arg, Value) and arg.value not in self.unpacked]
            if step.op in PASSED:
                if step.op == "int4_unpack":
                    self.unpacked[step.out] = unpack_int4(self._array(step.args[0]), step.args[1])
                else:
                    self.numbers[step.out] = self.numbers[values[0]]
                continue
            layers.append(self._layer(step.op, step.args, step.out))
            sources.append(tuple(self.numbers[value] for value in values))
            names.append(step.out)
            self.numbers[step.out] = len(layers)
        return FusedModel(layers, sources, names).eval()

    def _layer(self, op: str, args: tuple[Any, ...], out: str) -> Layer:
        layer: Layer
        if op == "int8_conv2d":
            weight, bias = self._weights(args, out)
            layer = Convolution(weight, bias, *args[5:9])
        elif op == "int8_linear":
            layer = FullyConnected(*self._weights(args, out))
        elif op == "int8_add":
            layer = Add()
        elif op == "int8_max_pool2d":
            return MaxPool(*args[1:4])
        elif op == "int8_avg_pool2d":
            return AvgPool(*args[1:3])
        elif op == "int8_softmax":
            return SoftMax()
        elif op == "reshape_to":
            return Reshape(args[1])
        elif op == "int8_lookup":
            raise ValueError(f"dequantize: step '{out}' is a table of codes, which does not say what it was made of")
        else:
            arguments = [self._argument(each) for each in args]
            return Operation(op, arguments)
        layer.limits = self._limits((args[-2], args[-1]), out)
        return layer

    def _weights(self, args: tuple[Any, ...], out: str) -> tuple[Parameter, Parameter]:
        """Weight and bias as floats: the scale of weights is multiplier * s_out / s_in."""
        (s_in, zero_point), (s_out, _) = self.model.scales[args[0].value], self.model.scales[out]
        codes = self.unpacked[args[1].value] if isinstance(args[1], Value) else self._array(args[1])
        bias, mantissa, shift = (self._array(each).astype(np.float64) for each in args[2:5])
        scale = mantissa * 2.0 ** (shift - 31) * s_out / s_in
        sums = bias + zero_point * codes.reshape(len(codes), -1).sum(axis=1, dtype=np.int64)
        weight = codes * scale.reshape(-1, *[1] * (codes.ndim - 1))
        return Parameter(Tensor(weight.astype(np.float32))), Parameter(Tensor((sums * s_in * scale).astype(np.float32)))

    def _limits(self, codes: tuple[int, int], out: str) -> tuple[float, float]:
        """The least and the largest number that the layer's codes can stand for."""
        scale, zero_point = self.model.scales[out]
        return (codes[0] - zero_point) * scale, (codes[1] - zero_point) * scale

    def _argument(self, each: Any) -> Any:
        if isinstance(each, Value):
            return Operation.VALUE
        return Tensor(self._array(each)) if isinstance(each, Stored) else each

    def _array(self, stored: Stored) -> Array:
        return self.arrays[stored.stored]
