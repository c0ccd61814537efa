"""What `summary` tells: a tree of layers with their numbers, and how it is printed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from tinytorch_profiling.formulas import CONVENTION
from tinytorch_profiling.showing import Shown
from tinytorch_profiling.table import Column, Table
from tinytorch_profiling.units import size

COLUMNS = (
    Column("name", "layer"),
    Column("output", "output"),
    Column("parameters", "parameters"),
    Column("macs", "MACs"),
    Column("parameter_bytes", "weights", "bytes"),
    Column("activation_bytes", "activations", "bytes"),
)


@dataclass(frozen=True)
class Layer:
    """A module; its numbers are its own and those of its parts, so that they add up."""

    name: str
    kind: str
    outputs: list[tuple[int, ...]]  # shapes of what its first call gave
    calls: int
    parameters: int  # shared ones count where they come first
    trainable: int
    macs: int
    parameter_bytes: int
    activation_bytes: int  # of memory that its outputs took anew
    parts: list[Layer] = field(default_factory=list)


@dataclass(frozen=True)
class Summary(Shown):
    """A model's tree of layers; prints itself, and shows itself in notebooks."""

    layer: Layer
    inputs: list[tuple[int, ...]]
    input_bytes: int
    buffer_bytes: int

    @property
    def parameters(self) -> int:
        """How many numbers the model has that can be learned, shared ones counted once."""
        return self.layer.parameters

    @property
    def trainable(self) -> int:
        """How many of these require grad."""
        return self.layer.trainable

    @property
    def macs(self) -> int:
        """Multiplications with an addition in a forward pass."""
        return self.layer.macs

    @property
    def parameter_bytes(self) -> int:
        """The memory of the parameters."""
        return self.layer.parameter_bytes

    @property
    def activation_bytes(self) -> int:
        """The memory of all that layers give in a forward pass, each counted once."""
        return self.layer.activation_bytes

    def to_dict(self) -> dict[str, Any]:
        """Totals, and the tree of layers."""
        numbers = ("parameters", "trainable", "macs", "parameter_bytes", "activation_bytes")
        return {
            "inputs": self.inputs,
            **{name: getattr(self, name) for name in numbers},
            "flops": 2 * self.macs,
            "input_bytes": self.input_bytes,
            "buffer_bytes": self.buffer_bytes,
            "layer": asdict(self.layer),
        }

    def tables(self) -> tuple[Table, ...]:
        """Give a row for each layer, and the totals below."""
        notes = (
            f"inputs: {_shapes(self.inputs)}, {size(self.input_bytes)}",
            f"parameters: {self.parameters:,} ({self.trainable:,} trainable), {size(self.parameter_bytes)}"
            + (f"; buffers: {size(self.buffer_bytes)}" if self.buffer_bytes else ""),
            f"forward: {self.macs:,} MACs = {2 * self.macs:,} FLOPs ({CONVENTION})",
            f"activations: {size(self.activation_bytes)}, what layers give, views and what passes through not counted",
        )
        return (Table("layers", COLUMNS, (_row(self.layer.kind, self.layer), *_rows(self.layer, "")), notes),)


def _rows(layer: Layer, indent: str) -> Iterator[dict[str, Any]]:
    """The rows of a layer's parts, drawn as branches."""
    for part in layer.parts:
        last = part is layer.parts[-1]
        yield _row(f"{indent}{'└─' if last else '├─'} {part.name}: {part.kind}", part)
        yield from _rows(part, indent + ("   " if last else "│  "))


def _row(name: str, layer: Layer) -> dict[str, Any]:
    repeated = f" {layer.calls}×" if layer.calls > 1 else ""
    frozen = " frozen" if layer.parameters and not layer.trainable else ""
    numbers = {column.key: getattr(layer, column.key) or None for column in COLUMNS[2:]}
    return {"name": name + repeated + frozen, "output": _shapes(layer.outputs), **numbers}


def _shapes(shapes: list[tuple[int, ...]]) -> str:
    return ", ".join(map(str, shapes)) or "–"
