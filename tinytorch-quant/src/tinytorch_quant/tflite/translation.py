"""The translation of a graph while it is made, and what its calls have in common: scales, limits, windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.spatial.geometry import output_size
from tinytorch.serialization import CheckpointError
from tinytorch_quant.integer import Port, Step, Stored, Value

if TYPE_CHECKING:
    from tinytorch.core.spatial.geometry import Pair, Sides
    from tinytorch.types import Array
    from tinytorch_quant.tflite.reading import Call, FileTensor

SAME = 0  # TensorFlow's number for the padding with which the output is the input / stride, rounded up
ACTIVATIONS: dict[int, tuple[float | None, float | None]] = {  # lowest and highest, by TensorFlow's numbers
    0: (None, None),
    1: (0.0, None),  # RELU
    2: (-1.0, 1.0),  # RELU_N1_TO_1
    3: (0.0, 6.0),  # RELU6
}


class Translation:
    """The steps so far, the tensors that they need, and which value stands for which of the file's tensors."""

    def __init__(self, inputs: tuple[FileTensor, ...]) -> None:
        self.steps: list[Step] = []
        self.tensors: dict[str, Array] = {}
        self.inputs = [port(f"input_{place}", tensor) for place, tensor in enumerate(inputs)]
        self.values = {id(tensor): Value(each.name) for tensor, each in zip(inputs, self.inputs, strict=True)}

    def value(self, tensor: FileTensor) -> Value:
        """The value that an earlier call has given, or an input."""
        if id(tensor) not in self.values:
            raise CheckpointError(f"no earlier call gives '{tensor.name}'")
        return self.values[id(tensor)]

    def add(self, op: str, *args: Any) -> Value:
        """Append a step."""
        out = f"{op}_{len(self.steps)}"
        self.steps.append(Step(op, args, out))
        return Value(out)

    def store(self, op: str, **arrays: Array) -> list[Stored]:
        """Keep tensors of the step of this op that comes next."""
        names = {f"{op}_{len(self.steps)}.{name}": array for name, array in arrays.items()}
        self.tensors |= names
        return [Stored(name) for name in names]


def tensor(call: Call, place: int) -> FileTensor:
    """An input of a call."""
    found = call.inputs[place] if place < len(call.inputs) else None
    if found is None:
        raise CheckpointError(f"{call.op} has no input number {place}")
    return found


def port(name: str, tensor: FileTensor) -> Port:
    """An input or the output: with its scale where it is int8."""
    if tensor.dtype == "int8":
        return Port(name, *qparams(tensor))
    if tensor.dtype != "float32":
        raise CheckpointError(f"'{tensor.name}' is {tensor.dtype}; expected inputs and outputs of float32 or int8")
    return Port(name)


def qparams(tensor: FileTensor) -> tuple[float, int]:
    """The scale and zero point of activations."""
    if tensor.dtype != "int8" or len(tensor.scales) != 1 or not -128 <= tensor.zero_points[0] <= 127:
        raise CheckpointError(f"'{tensor.name}' is not int8 with one scale and a zero point")
    return float(tensor.scales[0]), int(tensor.zero_points[0])


def is_quantized(call: Call) -> bool:
    """Whether activations are int8, those that go in and what comes out alike."""
    dtypes = {str(tensor(call, 0).dtype), str(call.output.dtype)}
    if dtypes not in ({"int8"}, {"float32"}):
        raise CheckpointError(f"{call.op} from {' to '.join(sorted(dtypes))} is not supported")
    return dtypes == {"int8"}


def limits(call: Call) -> tuple[int, int]:
    """The lowest and the highest code that the activation fused into a call lets through.

    As TFLite's CalculateActivationRangeQuantized: in float32, halves away from zero.
    """
    scale, zero_point = qparams(call.output)
    codes = [-128, 127]
    for place, limit in enumerate(_activation(call)):
        if limit is not None:
            steps = np.float32(limit) / np.float32(scale)
            code = zero_point + int(np.trunc(steps + np.copysign(np.float32(0.5), steps)))
            codes[place] = min(max(code, -128), 127)
    return codes[0], codes[1]


def activated(into: Translation, call: Call, value: Value) -> Value:
    """Add the steps of a fused activation among floats."""
    low, high = _activation(call)
    if low is not None:
        value = into.add("relu", value) if low == 0.0 else into.add("maximum", value, low)
    return value if high is None else into.add("minimum", value, high)


def _activation(call: Call) -> tuple[float | None, float | None]:
    number = call.options["FusedActivationFunction"]
    if number not in ACTIVATIONS:
        raise CheckpointError(f"{call.op} has the activation {number}, which is not supported")
    return ACTIVATIONS[number]


def window(call: Call, kernel: Pair, channels: int) -> tuple[Pair, Sides, Pair]:
    """The stride, padding and dilation of a call over images; the output must be what they make of the input."""
    options, x, out = call.options, tensor(call, 0), call.output
    stride = options["StrideH"], options["StrideW"]
    dilation = options.get("DilationHFactor", 1), options.get("DilationWFactor", 1)
    if len(x.shape) != 4 or min(*stride, *dilation, *kernel) < 1 or max(dilation) > max(x.shape[1:3]):
        raise CheckpointError(f"{call.op} takes {x.shape} with windows {kernel}, steps {stride}, gaps {dilation}")
    pads = [(0, 0), (0, 0)]
    if options["Padding"] == SAME:
        pads = [_same(x.shape[1 + dim], kernel[dim], stride[dim], dilation[dim]) for dim in (0, 1)]
    sizes = [output_size(x.shape[1 + dim], pads[dim], kernel[dim], stride[dim], dilation[dim]) for dim in (0, 1)]
    if out.shape != (x.shape[0], *sizes, channels) or min(sizes) < 1:
        raise CheckpointError(f"{call.op} makes {(x.shape[0], *sizes, channels)} of {x.shape}, not {out.shape}")
    return stride, (pads[0], pads[1]), dilation


def _same(size: int, kernel: int, stride: int, dilation: int) -> Pair:
    """TensorFlow's "SAME": the output is size / stride, rounded up; what is odd comes after."""
    total = max(0, (-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size)
    return total // 2, total - total // 2
