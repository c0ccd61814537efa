"""A `.tflite` file as plain data: tensors with their numbers and scales, and a list of calls.

The package `tflite`, generated from TensorFlow's schema, finds fields in the bytes and believes all of them; so what it
raises is one CheckpointError here, every index is looked up in what was read, and numbers must fill their shapes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.serialization import CheckpointError

if TYPE_CHECKING:
    from pathlib import Path

    from tinytorch.types import Array, DType, Shape

LARGEST_SIZE = 1 << 26  # numbers in a tensor that are believed
LARGEST = 1e15  # of scales; products of two are float32
WINDOW = ("StrideH", "StrideW", "Padding", "FusedActivationFunction")
DILATION = ("DilationHFactor", "DilationWFactor")
OPTIONS = {  # the calls that are known, the table of their options and what is read there
    "ADD": ("AddOptions", ("FusedActivationFunction",)),
    "AVERAGE_POOL_2D": ("Pool2DOptions", (*WINDOW, "FilterHeight", "FilterWidth")),
    "CONV_2D": ("Conv2DOptions", (*WINDOW, *DILATION)),
    "DEPTHWISE_CONV_2D": ("DepthwiseConv2DOptions", (*WINDOW, *DILATION)),
    "FULLY_CONNECTED": ("FullyConnectedOptions", ("FusedActivationFunction", "WeightsFormat", "KeepNumDims")),
    "MAX_POOL_2D": ("Pool2DOptions", (*WINDOW, "FilterHeight", "FilterWidth")),
    "RESHAPE": ("ReshapeOptions", ()),
    "SOFTMAX": ("SoftmaxOptions", ("Beta",)),
}


@dataclass(frozen=True)
class FileTensor:
    """A tensor of the graph: its shape as TensorFlow has it, and its numbers where they are constant."""

    name: str
    shape: Shape
    dtype: DType
    scales: Array  # (n,) float32: none, one, or one for each index along `axis`
    zero_points: Array
    axis: int
    numbers: Array | None


@dataclass(frozen=True)
class Call:
    """An operator of the graph: inputs (None where one is left out) and the output."""

    op: str
    options: dict[str, Any]
    inputs: tuple[FileTensor | None, ...]
    output: FileTensor


@dataclass(frozen=True)
class Graph:
    """A file's only graph."""

    calls: tuple[Call, ...]
    inputs: tuple[FileTensor, ...]
    output: FileTensor


def read_graph(path: Path) -> Graph:
    """Read a file; raises CheckpointError, one sentence, for what is no whole model or holds what is not known here."""
    try:
        import tflite as schema
    except ImportError as error:
        raise CheckpointError("needs the package tflite: pip install 'tinytorch-quant[tflite]'") from error
    try:
        return _graph(schema, path.read_bytes())
    except CheckpointError:
        raise
    except OSError as error:
        raise CheckpointError(f"cannot be read: {error.strerror or error}") from error
    except Exception as error:  # a hostile file may fail in any way; it is told in one sentence, the cause is kept
        raise CheckpointError(f"is cut off or no .tflite model: {' '.join(str(error).split())}") from error


def _graph(schema: Any, content: bytes) -> Graph:
    if not schema.Model.ModelBufferHasIdentifier(content, 0):
        raise CheckpointError("is not a .tflite model")
    model = schema.Model.GetRootAs(content, 0)
    if model.SubgraphsLength() != 1:
        raise CheckpointError(f"expected a model of one graph, got {model.SubgraphsLength()}")
    graph = model.Subgraphs(0)
    tensors = [_tensor(schema, model, graph.Tensors(i)) for i in range(graph.TensorsLength())]
    calls = tuple(_call(schema, model, graph.Operators(i), tensors) for i in range(graph.OperatorsLength()))
    inputs, outputs = _chosen(graph.InputsAsNumpy(), tensors), _chosen(graph.OutputsAsNumpy(), tensors)
    if not inputs or None in inputs or len(outputs) != 1 or outputs[0] is None:
        raise CheckpointError(f"expected a model of some inputs and one output, got {len(inputs)} and {len(outputs)}")
    return Graph(calls, tuple(each for each in inputs if each is not None), outputs[0])


def _tensor(schema: Any, model: Any, found: Any) -> FileTensor:
    name = _text(found.Name())
    shape = tuple(int(size) for size in found.ShapeAsNumpy()) if found.ShapeLength() else ()
    if not (all(size > 0 for size in shape) and math.prod(shape) <= LARGEST_SIZE):
        raise CheckpointError(f"tensor '{name}' has the shape {shape}")
    dtype = _dtype(schema, found.Type(), name)
    numbers = model.Buffers(found.Buffer()).DataAsNumpy() if model.Buffers(found.Buffer()).DataLength() else None
    if numbers is not None:
        if numbers.nbytes != math.prod(shape) * dtype.itemsize:
            raise CheckpointError(f"tensor '{name}' of shape {shape} and {dtype} has {numbers.nbytes} bytes")
        numbers = numbers.view(dtype.newbyteorder("<")).astype(dtype).reshape(shape)
    return FileTensor(name, shape, dtype, *_scales(found.Quantization(), name), numbers)


def _dtype(schema: Any, code: int, name: str) -> DType:
    """The dtype of a tensor; only those of the known calls."""
    kinds = schema.TensorType
    dtypes = {kinds.FLOAT32: "float32", kinds.INT8: "int8", kinds.INT32: "int32", kinds.INT64: "int64"}
    if code not in dtypes:
        known = {number: text for text, number in vars(kinds).items() if isinstance(number, int)}
        raise CheckpointError(f"tensor '{name}' is {known.get(code, code)}, which is not supported")
    return np.dtype(dtypes[code])


def _scales(found: Any, name: str) -> tuple[Array, Array, int]:
    """Scales, zero points and the axis that they belong to."""
    if found is None or not found.ScaleLength():
        return np.zeros(0, np.float32), np.zeros(0, np.int64), 0
    scales = found.ScaleAsNumpy().astype(np.float32)
    points = found.ZeroPointAsNumpy().astype(np.int64) if found.ZeroPointLength() else np.zeros(len(scales), np.int64)
    if len(points) != len(scales) or not ((scales > 1 / LARGEST) & (scales < LARGEST)).all():
        raise CheckpointError(f"tensor '{name}' has scales {scales[:3]} with zero points {points[:3]}")
    return scales, points, int(found.QuantizedDimension())


def _call(schema: Any, model: Any, found: Any, tensors: list[FileTensor]) -> Call:
    op = _op_name(schema, model.OperatorCodes(found.OpcodeIndex()))
    inputs, outputs = _chosen(found.InputsAsNumpy(), tensors), _chosen(found.OutputsAsNumpy(), tensors)
    if len(outputs) != 1 or outputs[0] is None or not inputs or inputs[0] is None:
        raise CheckpointError(f"{op} has {len(inputs)} inputs and {len(outputs)} outputs")
    return Call(op, _options(schema, op, found), inputs, outputs[0])


def _op_name(schema: Any, code: Any) -> str:
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())  # older files have the second alone
    known = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    name = _text(code.CustomCode()) or known.get(number, f"number {number}")
    if name not in OPTIONS:
        raise CheckpointError(f"operator {name} is not supported; known are {', '.join(OPTIONS)}")
    return name


def _options(schema: Any, op: str, found: Any) -> dict[str, Any]:
    kind, fields = OPTIONS[op]
    if not fields:
        return {}
    if found.BuiltinOptionsType() != getattr(schema.BuiltinOptions, kind):
        raise CheckpointError(f"{op} comes without its options")
    table, options = found.BuiltinOptions(), getattr(schema, kind)()
    options.Init(table.Bytes, table.Pos)
    return {field: getattr(options, field)() for field in fields}


def _text(found: bytes | None) -> str:
    """A name as it may stand in a sentence."""
    return "".join(each if each.isprintable() else "?" for each in (found or b"").decode("utf-8", "replace"))


def _chosen(places: Any, tensors: list[FileTensor]) -> tuple[FileTensor | None, ...]:
    """The tensors at these places; -1 is none."""
    if isinstance(places, int):  # what the package gives for an empty list
        return ()
    if any(not -1 <= place < len(tensors) for place in places):
        raise CheckpointError(f"there are {len(tensors)} tensors, a call takes number {max(places)}")
    return tuple(None if place == -1 else tensors[place] for place in places)
