"""Lowering: a fused model with scales becomes the steps of an integer model.

What a layer gives is codes wherever the layer has an integer step; what has none computes in floats between
`int8_dequantize` and `int8_quantize`. Layers of four-bit codes keep two in a byte and are unpacked when needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.autograd import no_grad
from tinytorch.core.tensor import Tensor, op
from tinytorch_quant.affine import RANGES, qparams_of_range
from tinytorch_quant.calibration import fixed_scale
from tinytorch_quant.integer import (
    Port,
    Step,
    Stored,
    Value,
    add_constants,
    conv2d_multiplier,
    layer_constants,
    linear_multiplier,
    softmax_table,
    weight_scales,
)
from tinytorch_quant.integer.elementwise import CODES
from tinytorch_quant.layers import (
    Add,
    AvgPool,
    Convolution,
    Elementwise,
    FullyConnected,
    Layer,
    MaxPool,
    Operation,
    Reshape,
    SoftMax,
    Weighted,
)
from tinytorch_quant.packed import PackedModel
from tinytorch_quant.qtensor import pack_int4, unpack_int4

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tinytorch.types import Array, Shape
    from tinytorch_quant.calibration import QParams
    from tinytorch_quant.config import QuantConfig
    from tinytorch_quant.fusion import FusedModel

INT8 = RANGES[8]


@op
def int4_unpack(packed: Array, shape: Shape) -> Array:
    """Codes from -8 to 7 that lie two in a byte: (bytes,) uint8 -> int8 of the shape."""
    return unpack_int4(packed, shape)


def lower(
    model: FusedModel,
    qparams: Mapping[int, QParams],
    configs: Mapping[str, QuantConfig | None],
    activation_range: tuple[int, int] = INT8,
) -> PackedModel:
    """The integer model; `configs` says for each layer with weights how, None leaves it in float.

    Codes that layers give lie in `activation_range`; those of the input and of softmax are int8.
    """
    return _Lowering(model, qparams, configs, activation_range).model()


def layer_scales(weight: Array, bias: Array | None, input: QParams, output: QParams, config: QuantConfig) -> Array:
    """The scales of a layer's weights: one for each output, or the same for all."""
    if config.bits == 8 and config.granularity != "tensor":
        return weight_scales(weight, bias, input, output)
    largest = np.abs(weight).reshape(len(weight), -1).max(axis=1, initial=0.0)
    if config.granularity == "tensor":
        largest = np.full_like(largest, largest.max(initial=0.0))
    limit = 2 ** (config.bits - 1) - 1
    scales, _ = qparams_of_range(-largest, largest, "symmetric", -limit, limit)
    needed = 0.0 if bias is None else np.abs(bias) / (input[0] * 2.0**24)  # with which the bias fits into int32
    return np.maximum(scales, needed).astype(np.float32)


class _Lowering:
    """Goes through the layers and writes steps; remembers which values are codes and which floats."""

    def __init__(
        self, model: FusedModel, qparams: Mapping[int, QParams], configs: Mapping[str, QuantConfig | None], range: Any
    ) -> None:
        self.fused, self.qparams, self.configs, self.range = model, qparams, configs, range
        self.steps: list[Step] = []
        self.tensors: dict[str, Array] = {}
        self.made = {"q0"}  # names of values: q for codes, f for floats, and the value's number

    def model(self) -> PackedModel:
        with no_grad():
            for number, layer in enumerate(self.fused.layers, start=1):
                assert isinstance(layer, Layer)
                self._step(number, layer)
        _let_shifts_agree(self.tensors)
        last = len(self.fused.layers)
        output = Port(f"q{last}", *self.qparams[last]) if f"q{last}" in self.made else Port(f"f{last}")
        scales = {f"q{number}": each for number, each in self.qparams.items() if f"q{number}" in self.made}
        return PackedModel(
            [Port("q0", *self.qparams[0])], self.steps, output, self.tensors, scales, None, self.fused.equalized
        )

    def _step(self, number: int, layer: Layer) -> None:
        name, sources = self.fused.names[number - 1], self.fused.sources[number - 1]
        if isinstance(layer, Weighted) and (config := self.configs[name]) is not None:
            self._weighted(number, name, layer, config, sources[0])
        elif isinstance(layer, Weighted):
            self._weighted_in_float(number, name, layer, sources[0])
        elif isinstance(layer, Operation):
            self._operation(number, name, layer, sources)
        elif isinstance(layer, (MaxPool, Reshape)) and f"q{sources[0]}" not in self.made:
            self._emit("f", number, *_float_step(layer, self._float(sources[0])))
        else:
            self._codes_step(number, name, layer, sources)

    def _codes_step(self, number: int, name: str, layer: Layer, sources: tuple[int, ...]) -> None:
        codes = [self._codes(source) for source in sources]
        scale, zero_point = self.qparams[number]
        low, high = self._limits(number, layer)
        if isinstance(layer, Add):
            constants = add_constants(self.qparams[sources[0]], self.qparams[sources[1]], scale)
            self._emit("q", number, "int8_add", (*codes, *constants, zero_point, low, high))
        elif isinstance(layer, (MaxPool, AvgPool)):
            kind = "max" if isinstance(layer, MaxPool) else "avg"
            self._emit("q", number, f"int8_{kind}_pool2d", (*codes, *layer.window, *INT8))
        elif isinstance(layer, Reshape):
            self._emit("q", number, "reshape_to", (*codes, layer.shape))
        elif isinstance(layer, SoftMax):
            table = self._store(f"{name}.table", softmax_table(self.qparams[sources[0]][0]))
            self._emit("q", number, "int8_softmax", (*codes, table))
        elif isinstance(layer, Elementwise):
            table = self._store(
                f"{name}.table", _table(layer, self.qparams[sources[0]], self.qparams[number], (low, high))
            )
            self._emit("q", number, "int8_lookup", (*codes, table))
        else:
            raise TypeError(f"lower: there is no integer step for {type(layer).__name__}")

    def _weighted(self, number: int, name: str, layer: Weighted, config: QuantConfig, source: int) -> None:
        into, out = self.qparams[source], self.qparams[number]
        multiplier = conv2d_multiplier if isinstance(layer, Convolution) else linear_multiplier
        weight, bias = layer.weight.array, None if layer.bias is None else layer.bias.array
        constants = layer_constants(weight, bias, layer_scales(weight, bias, into, out, config), into, out, multiplier)
        stored = self._weight(number, name, constants["weight"], config.bits)
        rest = [self._store(f"{name}.{part}", constants[part]) for part in ("bias", "mantissa", "shift")]
        limits = self._limits(number, layer)
        if isinstance(layer, Convolution):
            arguments = (*layer.window, into[1], out[1], *limits)
            self._emit("q", number, "int8_conv2d", (self._codes(source), stored, *rest, *arguments))
        else:
            self._emit("q", number, "int8_linear", (self._codes(source), stored, *rest, out[1], *limits))

    def _weight(self, number: int, name: str, codes: Array, bits: int) -> Stored | Value:
        if bits == 8:
            return self._store(f"{name}.weight", codes)
        packed = self._store(f"{name}.weight", pack_int4(codes))
        self._emit("w", number, "int4_unpack", (packed, codes.shape))
        return Value(f"w{number}")

    def _weighted_in_float(self, number: int, name: str, layer: Weighted, source: int) -> None:
        weight = self._store(f"{name}.weight", layer.weight.array)
        bias = None if layer.bias is None else self._store(f"{name}.bias", layer.bias.array)
        window = layer.window if isinstance(layer, Convolution) else ()
        kind = "conv2d" if isinstance(layer, Convolution) else "linear"
        assert isinstance(layer, (Convolution, FullyConnected))
        self._emit("f" if layer.limits is None else "g", number, kind, (self._float(source), weight, bias, *window))
        if layer.limits is not None:
            self._emit("f", number, "clip", (Value(f"g{number}"), *layer.limits))

    def _operation(self, number: int, name: str, layer: Operation, sources: tuple[int, ...]) -> None:
        given = iter([self._float(source) for source in sources])
        arguments = [
            next(given)
            if each is Operation.VALUE
            else self._store(f"{name}.constant{place}", each.array)
            if isinstance(each, Tensor)
            else each
            for place, each in enumerate(layer.arguments)
        ]
        self._emit("f", number, layer.op, tuple(arguments))

    def _limits(self, number: int, layer: Layer) -> tuple[int, int]:
        """The layer's limits as codes."""
        scale, zero_point = self.qparams[number]
        known = INT8 if fixed_scale(self.fused, number) else self.range
        limits = []
        for limit, end in zip(layer.limits or (None, None), known, strict=True):
            code = end if limit is None else round(limit / scale) + zero_point
            limits.append(min(max(code, known[0]), known[1]))
        return limits[0], limits[1]

    def _codes(self, number: int) -> Value:
        """A value as codes; what is float is rounded first."""
        if f"q{number}" not in self.made:
            self._emit("q", number, "int8_quantize", (Value(f"f{number}"), *self.qparams[number]))
        return Value(f"q{number}")

    def _float(self, number: int) -> Value:
        """A value as floats."""
        if f"f{number}" not in self.made:
            self._emit("f", number, "int8_dequantize", (Value(f"q{number}"), *self.qparams[number]))
        return Value(f"f{number}")

    def _store(self, name: str, array: Array) -> Stored:
        name = name.replace(":", "_")
        self.tensors[name] = np.ascontiguousarray(array)
        return Stored(name)

    def _emit(self, kind: str, number: int, op: str, arguments: tuple[Any, ...]) -> None:
        self.steps.append(Step(op, arguments, f"{kind}{number}"))
        self.made.add(f"{kind}{number}")


def _let_shifts_agree(tensors: dict[str, Array]) -> None:
    """Give all layers the largest shift of all, so that it is kept once; multipliers stay, but for their last bits.

    Convolutions round twice, first to 2**shift of a code: with the largest shift, here -5 or so, about one code in a
    hundred comes out as its neighbour. Shifts above 0, which kernels may decline, are left alone.
    """
    names = [name.removesuffix(".shift") for name in tensors if name.endswith(".shift")]
    common = max((int(tensors[f"{name}.shift"].max(initial=-31)) for name in names), default=1)
    for name in names if common <= 0 else ():
        shift, mantissa = tensors[f"{name}.shift"], tensors[f"{name}.mantissa"].astype(np.int64)
        fewer = (common - shift).astype(np.int64)
        tensors[f"{name}.mantissa"] = ((mantissa + ((1 << fewer) >> 1)) >> fewer).astype(np.int32)
        tensors[f"{name}.shift"] = np.full_like(shift, common)


def _table(layer: Elementwise, into: QParams, out: QParams, range: tuple[int, int]) -> Array:
    """What stands for each code, within the range: (256,) int8."""
    numbers = ((CODES - into[1]) * into[0]).astype(np.float32)
    given = layer(Tensor(numbers)).array
    return np.clip(np.rint(given / np.float32(out[0])) + out[1], *range).astype(np.int8)


def _float_step(layer: Layer, value: Value) -> tuple[str, tuple[Any, ...]]:
    """The op of a layer that keeps scales, on floats."""
    if isinstance(layer, MaxPool):
        return "max_pool2d", (value, *layer.window, (1, 1))
    assert isinstance(layer, Reshape)
    return "reshape_to", (value, layer.shape)
