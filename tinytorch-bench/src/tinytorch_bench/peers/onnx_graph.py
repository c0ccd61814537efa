"""The networks of MLPerf Tiny as ONNX graphs, layer by layer from tinytorch's own modules and their weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import tinytorch as tt
from tinytorch import nn
from tinytorch.models.tiny import Residual

OPSET, IR = 17, 8


class Graph:
    """Nodes and weights as they are added; each `add` gives the name of what comes out."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def add(self, op: str, *inputs: str, **options: Any) -> str:
        """Add a node."""
        out = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [out], **options))
        return out

    def weight(self, tensor: Any) -> str:
        """Add the numbers of a parameter or buffer."""
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(tensor.detach().numpy()), name))
        return name

    def module(self, part: nn.Module, x: str) -> str:
        """Add a module and all that is in it."""
        for kind, add in ADDERS.items():
            if isinstance(part, kind):
                return add(self, part, x)
        raise TypeError(f"onnx: there is no way to write {type(part).__name__}")


def exported(model: nn.Module, shape: tuple[int, ...]) -> bytes:
    """Write a network in evaluation mode for inputs of this shape as an ONNX file."""
    graph = Graph()
    sizes = {"x": shape, graph.module(model, "x"): model(tt.zeros(*shape)).shape}
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, size) for name, size in sizes.items()]
    made = helper.make_graph(graph.nodes, "network", ends[:1], ends[1:], graph.weights)
    file = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    onnx.checker.check_model(file)
    return file.SerializeToString()


def _sequence(graph: Graph, part: Any, x: str) -> str:
    for each in part:
        x = graph.module(each, x)
    return x


def _conv(graph: Graph, part: Any, x: str) -> str:
    left, right, top, bottom = part.padding or (0, 0, 0, 0)  # as those networks write it
    return graph.add(
        *("Conv", x, graph.weight(part.weight), graph.weight(part.bias)),
        strides=np.broadcast_to(part.stride, 2).tolist(),
        pads=[top, left, bottom, right],
        group=part.groups,
    )


def _norm(graph: Graph, part: Any, x: str) -> str:
    names = ("weight", "bias", "running_mean", "running_var")
    return graph.add("BatchNormalization", x, *(graph.weight(getattr(part, name)) for name in names), epsilon=part.eps)


def _linear(graph: Graph, part: Any, x: str) -> str:
    return graph.add("Gemm", x, graph.weight(part.weight), graph.weight(part.bias), transB=1)


def _residual(graph: Graph, part: Any, x: str) -> str:
    out = graph.module(part.relu, graph.module(part.bn1, graph.module(part.conv1, x)))
    out = graph.module(part.bn2, graph.module(part.conv2, out))
    return graph.module(part.relu, graph.add("Add", out, graph.module(part.shortcut, x)))


ADDERS: dict[type[nn.Module], Callable[[Graph, Any, str], str]] = {
    Residual: _residual,
    nn.Sequential: _sequence,
    nn.Conv2d: _conv,
    nn.BatchNorm1d: _norm,
    nn.BatchNorm2d: _norm,
    nn.Linear: _linear,
    nn.ReLU: lambda graph, part, x: graph.add("Relu", x),
    nn.Dropout: lambda graph, part, x: x,
    nn.AdaptiveAvgPool2d: lambda graph, part, x: graph.add("GlobalAveragePool", x),
    nn.Flatten: lambda graph, part, x: graph.add("Flatten", x),
}
