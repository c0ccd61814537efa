"""`.tflite` files as models: int8 ones run on this plugin's ops, bit for bit as TFLite's reference kernels would.

Eight operators are known: those of the MLPerf Tiny models, and max pooling. `reading` makes plain data of a file,
`translation` and `layers` steps of that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinytorch.serialization import CheckpointError
from tinytorch_quant.integer import IntegerModel
from tinytorch_quant.tflite.layers import TRANSLATIONS
from tinytorch_quant.tflite.reading import Graph, read_graph
from tinytorch_quant.tflite.translation import Translation, port

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["load_tflite"]


def load_tflite(path: Path) -> IntegerModel:
    """The model of a file; inputs are PyTorch-shaped, (batch, channels, height, width), of any batch.

    Raises CheckpointError, one sentence, for what is no whole model, and for what is not supported.
    """
    try:
        return _translated(read_graph(path))
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error


def _translated(graph: Graph) -> IntegerModel:
    into = Translation(graph.inputs)
    for call in graph.calls:
        if id(call.output) in into.values:
            raise CheckpointError(f"two calls give '{call.output.name}'")
        try:
            into.values[id(call.output)] = TRANSLATIONS[call.op](into, call)
        except ValueError as error:  # scales or a bias beyond fixed point
            raise CheckpointError(f"{call.op}: {error}") from error
    output = port(into.value(graph.output).value, graph.output)
    return IntegerModel(into.inputs, into.steps, output, into.tensors)
