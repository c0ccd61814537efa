"""Which layer a traced call becomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from tinytorch.core.layers import BatchNorm2d
from tinytorch.core.module import Module, Parameter
from tinytorch.core.tensor import Tensor
from tinytorch.tracing import Call, Graph, Value
from tinytorch_quant.layers import (
    Add,
    AvgPool,
    Convolution,
    Elementwise,
    FullyConnected,
    Layer,
    MaxPool,
    Operation,
    OpModule,
    Reshape,
    SoftMax,
)

if TYPE_CHECKING:
    from tinytorch.types import Array

NO_PADDING = (0, 0), (0, 0)
ELEMENTWISE = ("sigmoid", "tanh", "silu", "gelu", "softplus", "exp", "negative", "absolute", "relu", "clip")
ACTIVATION = "activation"  # the op of a call that stands for all of a module's


class Scene(NamedTuple):
    """What a call is a part of."""

    graph: Graph
    modules: Mapping[str, Module]
    batch: int


def layer_of(call: Call, scene: Scene) -> tuple[Layer, list[Value]]:
    """The layer of a call, an `Operation` where there is no other, and the values that it reads."""
    variable = [each for each in call.values if not each.is_constant]
    layer: Layer | None = None
    if variable == [call.inputs[0]] and call.op in MAKERS:
        layer = MAKERS[call.op](call, scene)
    elif call.op == "add" and len(variable) == 2 and variable[0].shape == variable[1].shape:
        layer = Add()
    return layer or _operation(call), variable


def _convolution(call: Call, _scene: Scene) -> Layer | None:
    weight, bias, *window = call.inputs[1:]
    return Convolution(_parameter(weight), None if bias is None else _parameter(bias), *window)


def _fully_connected(call: Call, _scene: Scene) -> Layer | None:
    weight, bias = call.inputs[1:]
    return FullyConnected(_parameter(weight), None if bias is None else _parameter(bias))


def _max_pool(call: Call, _scene: Scene) -> Layer | None:
    *window, dilation = call.inputs[1:]
    return MaxPool(*window) if dilation == (1, 1) else None


def _avg_pool(call: Call, scene: Scene) -> Layer | None:
    kernel, stride, padding = call.inputs[1:]
    known = padding == NO_PADDING and divided_by_its_size(scene.graph, call.outputs[0])
    return AvgPool(kernel, stride) if known else None


def _mean(call: Call, _scene: Scene) -> Layer | None:
    shape = call.inputs[0].shape
    return AvgPool(shape[2:], (1, 1)) if len(shape) == 4 and call.inputs[1:] == ((2, 3), True) else None


def _reshape(call: Call, scene: Scene) -> Layer | None:
    before, after = call.inputs[0].shape, call.inputs[1]
    return Reshape((-1, *after[1:])) if after[:1] == before[:1] == (scene.batch,) else None


def _softmax(call: Call, _scene: Scene) -> Layer | None:
    return SoftMax() if call.inputs[1] == len(call.inputs[0].shape) - 1 else None


def _activation(call: Call, scene: Scene) -> Layer | None:
    return Elementwise(scene.modules[call.module])


def _elementwise(call: Call, _scene: Scene) -> Layer | None:
    options = call.inputs[1:]
    return None if any(isinstance(each, Value) for each in options) else Elementwise(OpModule(call.op, options))


MAKERS: dict[str, Callable[[Call, Scene], Layer | None]] = {
    "conv2d": _convolution,
    "linear": _fully_connected,
    "max_pool2d": _max_pool,
    "sum_pool2d": _avg_pool,
    "reduce_mean": _mean,
    "reshape_to": _reshape,
    "softmax": _softmax,
    ACTIVATION: _activation,
    **dict.fromkeys(ELEMENTWISE, _elementwise),
}


def divided_by_its_size(graph: Graph, sums: Value) -> bool:
    """Whether the sums of a pooling are divided by how many numbers each has, and nobody else reads them."""
    users, maker = graph.users(sums), graph.maker(sums)
    if len(users) != 1 or users[0].op != "divide" or maker is None or maker.op != "sum_pool2d":
        return False
    divisor, (height, width) = users[0].inputs[1], maker.inputs[1]
    known = isinstance(divisor, Value) and divisor.array is not None and users[0].inputs[0] is sums
    return known and bool((divisor.array == height * width).all())


def batch_norm(call: Call) -> BatchNorm2d:
    """The batch norm of a call, with numbers of its own."""
    mean, variance, weight, bias = call.inputs[1:5]
    norm = BatchNorm2d(mean.shape[0], call.inputs[5])
    tensors = norm.running_mean, norm.running_var, norm.weight, norm.bias
    for tensor, value in zip(tensors, (mean, variance, weight, bias), strict=True):
        if value is not None:
            tensor.array = _array(value)
    return norm


def _operation(call: Call) -> Operation:
    if any(isinstance(each, list) for each in call.inputs):
        raise ValueError(
            f"fuse: '{call.op}' in '{call.module}' takes a list of tensors, which no layer does; use mode='weight_only'"
        )
    return Operation(call.op, [_argument(each) for each in call.inputs])


def _argument(each: Any) -> Any:
    if not isinstance(each, Value):
        return each
    return Tensor(_array(each)) if each.is_constant else Operation.VALUE


def _parameter(value: Value) -> Parameter:
    return Parameter(Tensor(_array(value)))


def _array(value: Value) -> Array:
    assert value.array is not None
    return value.array.copy()
