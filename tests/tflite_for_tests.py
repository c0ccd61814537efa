"""Small `.tflite` files written by hand: every operator alone, drawn, and with whatever is wrong."""

from dataclasses import dataclass, field

import numpy as np

SAME, VALID = 0, 1


@dataclass
class T:
    """A tensor of a file; scales and zero points where it is quantized, numbers where it is constant."""

    shape: tuple
    dtype: str = "int8"
    scales: tuple = ()
    zero_points: tuple = ()
    axis: int = 0
    numbers: np.ndarray | None = None
    name: str = "t"


@dataclass
class C:
    """A call: its operator, tensors by place, and options."""

    op: str
    inputs: list
    outputs: list
    options: dict = field(default_factory=dict)
    kind: str = ""  # the table of its options


def written(tensors, calls, inputs, outputs, graphs=1):
    """The bytes of a file."""
    import flatbuffers
    import tflite

    builder = flatbuffers.Builder(1024)
    buffers = [_buffer(builder, tflite, None)]
    made = []
    for tensor in tensors:
        made.append(_tensor(builder, tflite, tensor, len(buffers) if tensor.numbers is not None else 0))
        if tensor.numbers is not None:
            buffers.append(_buffer(builder, tflite, tensor.numbers))
    names = sorted({call.op for call in calls})
    operators = [_operator(builder, tflite, call, names.index(call.op)) for call in calls]
    parts = [
        _offsets(builder, made),
        builder.CreateNumpyVector(np.array(inputs, np.int32)),
        builder.CreateNumpyVector(np.array(outputs, np.int32)),
        _offsets(builder, operators),
    ]
    tflite.SubGraphStart(builder)
    for add, part in zip(("Tensors", "Inputs", "Outputs", "Operators"), parts, strict=True):
        getattr(tflite, f"SubGraphAdd{add}")(builder, part)
    graph = tflite.SubGraphEnd(builder)
    codes = _offsets(builder, [_code(builder, tflite, name) for name in names])
    every, all_buffers = _offsets(builder, [graph] * graphs), _offsets(builder, buffers)
    tflite.ModelStart(builder)
    tflite.ModelAddVersion(builder, 3)
    tflite.ModelAddOperatorCodes(builder, codes)
    tflite.ModelAddSubgraphs(builder, every)
    tflite.ModelAddBuffers(builder, all_buffers)
    builder.Finish(tflite.ModelEnd(builder), b"TFL3")
    return bytes(builder.Output())


def _offsets(builder, items):
    builder.StartVector(4, len(items), 4)
    for item in reversed(items):
        builder.PrependUOffsetTRelative(item)
    return builder.EndVector()


def _buffer(builder, tflite, numbers):
    data = None if numbers is None else builder.CreateByteVector(np.ascontiguousarray(numbers).tobytes())
    tflite.BufferStart(builder)
    if data is not None:
        tflite.BufferAddData(builder, data)
    return tflite.BufferEnd(builder)


def _tensor(builder, tflite, tensor, buffer):
    name = builder.CreateString(tensor.name)
    shape = builder.CreateNumpyVector(np.array(tensor.shape, np.int32))
    quantization = None
    if tensor.scales:
        scales = builder.CreateNumpyVector(np.array(tensor.scales, np.float32))
        points = builder.CreateNumpyVector(np.array(tensor.zero_points, np.int64))
        tflite.QuantizationParametersStart(builder)
        tflite.QuantizationParametersAddScale(builder, scales)
        tflite.QuantizationParametersAddZeroPoint(builder, points)
        tflite.QuantizationParametersAddQuantizedDimension(builder, tensor.axis)
        quantization = tflite.QuantizationParametersEnd(builder)
    tflite.TensorStart(builder)
    tflite.TensorAddName(builder, name)
    tflite.TensorAddShape(builder, shape)
    tflite.TensorAddType(builder, getattr(tflite.TensorType, tensor.dtype.upper()))
    tflite.TensorAddBuffer(builder, buffer)
    if quantization is not None:
        tflite.TensorAddQuantization(builder, quantization)
    return tflite.TensorEnd(builder)


def _operator(builder, tflite, call, opcode):
    inputs = builder.CreateNumpyVector(np.array(call.inputs, np.int32))
    outputs = builder.CreateNumpyVector(np.array(call.outputs, np.int32))
    options = None
    if call.kind:
        getattr(tflite, f"{call.kind}Start")(builder)
        for name, value in call.options.items():
            getattr(tflite, f"{call.kind}Add{name}")(builder, value)
        options = getattr(tflite, f"{call.kind}End")(builder)
    tflite.OperatorStart(builder)
    tflite.OperatorAddOpcodeIndex(builder, opcode)
    tflite.OperatorAddInputs(builder, inputs)
    tflite.OperatorAddOutputs(builder, outputs)
    if options is not None:
        tflite.OperatorAddBuiltinOptionsType(builder, getattr(tflite.BuiltinOptions, call.kind))
        tflite.OperatorAddBuiltinOptions(builder, options)
    return tflite.OperatorEnd(builder)


def _code(builder, tflite, name):
    number = getattr(tflite.BuiltinOperator, name)
    tflite.OperatorCodeStart(builder)
    tflite.OperatorCodeAddDeprecatedBuiltinCode(builder, min(number, 127))
    tflite.OperatorCodeAddBuiltinCode(builder, number)
    tflite.OperatorCodeAddVersion(builder, 3 if name != "FULLY_CONNECTED" else 4)
    return tflite.OperatorCodeEnd(builder)


# Drawn files of one operator each, and of a few of these as a network


def activations(rng, shape):
    """A tensor between calls."""
    return T(shape, "int8", (float(np.exp(rng.uniform(-6, 1))),), (int(rng.integers(-128, 128)),))


def weights(rng, shape, axis, input, output, per_channel=True):
    """Codes, and scales with which the sums use the codes of the output."""
    count = shape[axis]
    terms = int(np.prod(shape)) / count
    typical = output.scales[0] / input.scales[0] / np.sqrt(terms) / 200
    scales = typical * np.exp(rng.uniform(-1, 1, count if per_channel else 1))
    numbers = rng.integers(-127, 128, shape).astype(np.int8)
    return T(shape, "int8", tuple(scales.tolist()), (0,) * len(scales), axis, numbers)


def bias(rng, input, weight):
    scales = tuple(input.scales[0] * scale for scale in weight.scales)
    count = weight.shape[weight.axis]
    numbers = rng.integers(-5000, 5000, count).astype(np.int32)
    return T((count,), "int32", scales, (0,) * len(scales), 0, numbers)


def pair(rng, low, high):
    return int(rng.integers(low, high)), int(rng.integers(low, high))


def out_sizes(size, kernel, stride, dilation, padding):
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    if padding == SAME:
        return tuple(-(-n // s) for n, s in zip(size, stride, strict=True))
    return tuple((n - span) // s + 1 for n, span, s in zip(size, spans, stride, strict=True))


def drawn_window(rng, most=4):
    kernel, stride, padding = pair(rng, 1, most), pair(rng, 1, 4), int(rng.integers(0, 2))
    return kernel, stride, padding


def conv2d(rng, depthwise=False):
    kernel, stride, padding = drawn_window(rng)
    dilation = pair(rng, 1, 3) if stride == (1, 1) else (1, 1)
    size = tuple((k - 1) * d + int(rng.integers(1, 7)) for k, d in zip(kernel, dilation, strict=True))
    inputs, outputs = pair(rng, 1, 7)
    outputs *= inputs if depthwise else 1
    x = activations(rng, (1, *size, inputs))
    out = activations(rng, (1, *out_sizes(size, kernel, stride, dilation, padding), outputs))
    shape = (1, *kernel, outputs) if depthwise else (outputs, *kernel, inputs)
    weight = weights(rng, shape, 3 if depthwise else 0, x, out)
    options = {"StrideH": stride[0], "StrideW": stride[1], "Padding": padding}
    options |= {"DilationHFactor": dilation[0], "DilationWFactor": dilation[1]}
    options |= {"FusedActivationFunction": int(rng.integers(0, 4))}
    if depthwise:
        options["DepthMultiplier"] = outputs // inputs
    name = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
    kind = "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions"
    return [x, weight, bias(rng, x, weight), out], [C(name, [0, 1, 2], [3], options, kind)], [0], [3]


def depthwise_conv2d(rng):
    return conv2d(rng, depthwise=True)


def fully_connected(rng):
    rows, inputs, outputs = int(rng.integers(1, 4)), int(rng.integers(1, 200)), int(rng.integers(1, 20))
    x, out = activations(rng, (rows, inputs)), activations(rng, (rows, outputs))
    weight = weights(rng, (outputs, inputs), 0, x, out, per_channel=False)
    options = {"FusedActivationFunction": int(rng.integers(0, 4))}
    call = C("FULLY_CONNECTED", [0, 1, 2], [3], options, "FullyConnectedOptions")
    return [x, weight, bias(rng, x, weight), out], [call], [0], [3]


def add(rng):
    shape = (1, *pair(rng, 1, 6), int(rng.integers(1, 6)))
    tensors = [activations(rng, shape) for _ in range(3)]
    tensors[2].scales = (max(tensors[0].scales[0], tensors[1].scales[0]) * float(rng.uniform(0.7, 3.0)),)
    options = {"FusedActivationFunction": int(rng.integers(0, 4))}
    return tensors, [C("ADD", [0, 1], [2], options, "AddOptions")], [0, 1], [2]


def pool2d(rng, op="AVERAGE_POOL_2D"):
    kernel, stride, padding = drawn_window(rng, 6)
    size = tuple(k - 1 + int(rng.integers(1, 7)) for k in kernel)
    channels = int(rng.integers(1, 6))
    x = activations(rng, (1, *size, channels))
    out = T((1, *out_sizes(size, kernel, stride, (1, 1), padding), channels), "int8", x.scales, x.zero_points)
    options = {"StrideH": stride[0], "StrideW": stride[1], "Padding": padding}
    options |= {"FilterHeight": kernel[0], "FilterWidth": kernel[1]}
    options |= {"FusedActivationFunction": int(rng.integers(0, 4))}
    return [x, out], [C(op, [0], [1], options, "Pool2DOptions")], [0], [1]


def max_pool2d(rng):
    return pool2d(rng, "MAX_POOL_2D")


def softmax(rng):
    x = activations(rng, (int(rng.integers(1, 2000)), int(rng.integers(1, 20))))  # many: what differs does so seldom
    out = T(x.shape, "int8", (1 / 256,), (-128,))
    options = {"Beta": float(rng.choice([1.0, 0.5, 2.0]))}
    return [x, out], [C("SOFTMAX", [0], [1], options, "SoftmaxOptions")], [0], [1]


DRAWN = {
    "ADD": add,
    "AVERAGE_POOL_2D": pool2d,
    "CONV_2D": conv2d,
    "DEPTHWISE_CONV_2D": depthwise_conv2d,
    "FULLY_CONNECTED": fully_connected,
    "MAX_POOL_2D": max_pool2d,
    "SOFTMAX": softmax,
}


def inputs_of(file, rng):
    """Codes for every input of a drawn file, PyTorch-shaped."""
    tensors, _, places, _ = file
    codes = [rng.integers(-128, 128, tensors[place].shape).astype(np.int8) for place in places]
    return [x.transpose(0, 3, 1, 2) if x.ndim == 4 else x for x in codes]


# The MLPerf Tiny models

INT8_MODELS = {  # the file, and the shape of an input
    "kws": ("kws/kws_ref_model.tflite", (1, 49, 10)),
    "ic": ("ic/pretrainedResnet_quant.tflite", (3, 32, 32)),
    "vww": ("vww/vww_96_int8.tflite", (3, 96, 96)),
    "ad": ("ad/ad01_int8.tflite", (640,)),
}
FLOAT_MODELS = {  # the file, the shape of an input, and how large its numbers are
    "kws": ("kws/kws_ref_model_float32.tflite", (1, 49, 10), 50.0),
    "ic": ("ic/pretrainedResnet.tflite", (3, 32, 32), 255.0),
    "vww": ("vww/vww_96_float.tflite", (3, 96, 96), 1.0),
    "ad": ("ad/ad01_fp32.tflite", (640,), 10.0),
}


def codes_for(shape, count=100, seed=0):
    """Drawn samples of all brightnesses and contrasts, the first of them noise, the second coarse, and the extremes."""
    rng = np.random.default_rng(seed)
    spread = rng.uniform(2, 120, (count, *[1] * len(shape)))
    numbers = rng.integers(-100, 101, spread.shape) + spread * rng.uniform(-1, 1, (count, *shape))
    for axis in range(2, len(shape) + 1):
        every = np.arange(shape[axis - 1]) // 8 * 8  # blocks of 8 pixels alike
        numbers[1::2] = numbers[1::2].take(every, axis=axis)
    ends = np.array([-128, 127, 0]).reshape(-1, *[1] * len(shape))
    return np.concatenate([np.clip(np.rint(numbers), -128, 127), np.broadcast_to(ends, (3, *shape))]).astype(np.int8)


def floats_for(shape, largest, count=3, seed=0):
    return (np.random.default_rng(seed).random((count, *shape)) * largest).astype(np.float32)
