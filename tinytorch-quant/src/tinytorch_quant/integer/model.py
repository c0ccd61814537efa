"""IntegerModel: a list of steps, each an op on values and stored tensors; what imports and transforms make of a model.

A step says which op, of the core or of a plugin, takes what, and what its result is called. Values live as long as a
later step needs them. The list is plain data that JSON holds, so that a model is made anew from it and then loads its
state; the tensors are buffers under the names of the layers that they came from. Nothing here is learned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.module import Module
from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.dtypes import as_dtype, int8
from tinytorch.core.tensor.op import Op
from tinytorch.plugins import registry
from tinytorch_quant.integer.elementwise import int8_dequantize, int8_quantize
from tinytorch_quant.integer.steps import Port, Step, Stored, Value, last_uses, meant, plain, read_port, references

if TYPE_CHECKING:
    from tinytorch.types import Array


class IntegerModel(Module):
    """Steps over values: floats in and out, with codes between as far as the steps have them.

    An input whose port has a scale may be float or int8; `forward` gives floats, `codes` what the last step gave.
    """

    def __init__(
        self, inputs: Sequence[Port], steps: Sequence[Step], output: Port, tensors: Mapping[str, Array]
    ) -> None:
        super().__init__()
        self.inputs, self.steps, self.output = tuple(inputs), tuple(steps), output
        self._keep(tensors)
        self.ops = [_checked_op(step) for step in self.steps]
        self.fitting: list[Any] | None = None  # shapes and dtypes of inputs that went through all checks
        self.forgotten = last_uses(self.inputs, self.steps, output, tensors)

    def _keep(self, tensors: Mapping[str, Array]) -> None:
        """Register the tensors as buffers under their dotted names."""
        self.places = {name: _store(self, name, array) for name, array in tensors.items()}

    def arrays(self) -> dict[str, Array]:
        """The tensors' numbers by name, sharing memory with the buffers."""
        return {name: getattr(*place).array for name, place in self.places.items()}

    def forward(self, *inputs: Tensor) -> Tensor:
        """Compute the output as floats."""
        out = self.codes(*inputs)
        return out if self.output.scale is None else int8_dequantize(out, self.output.scale, self.output.zero_point)

    def codes(self, *inputs: Tensor) -> Tensor:
        """Compute what the last step gives: int8 where the output has a scale."""
        if len(inputs) != len(self.inputs):
            raise TypeError(f"IntegerModel: expected {len(self.inputs)} inputs, got {len(inputs)}")
        values = {port.name: _as_codes(port, x) for port, x in zip(self.inputs, inputs, strict=True)}
        kinds = [(x.array.shape, x.array.dtype) for x in values.values()]
        if kinds == self.fitting:  # then every step's arguments are like those of last time, which were looked at
            arrays = {name: x.array for name, x in values.items()}
            return Tensor(self._run(arrays, lambda op, args: op.run(*args), lambda array: array))
        out: Tensor = self._run(values, lambda op, args: op(*args), Tensor)
        self.fitting = kinds
        return out

    def _run(self, values: dict[str, Any], call: Callable[..., Any], stored: Callable[[Array], Any]) -> Any:
        """Go through the steps, on tensors or on arrays."""
        tensors = {name: stored(array) for name, array in self.arrays().items()}
        for step, op, forgotten in zip(self.steps, self.ops, self.forgotten, strict=True):
            out = call(op, [_resolved(arg, values, tensors) for arg in step.args])
            values[step.out] = out[0] if type(out) is tuple else out
            for name in forgotten:
                del values[name]
        return values[self.output.name]

    def structure(self) -> dict[str, Any]:
        """Everything but the numbers in the tensors, as JSON holds it: what `from_structure` takes."""
        kinds = {name: {"dtype": str(array.dtype), "shape": [*array.shape]} for name, array in self.arrays().items()}
        return {
            "inputs": [port._asdict() for port in self.inputs],
            "steps": [
                {"op": step.op, "args": [plain(arg) for arg in step.args], "out": step.out} for step in self.steps
            ],
            "output": self.output._asdict(),
            "tensors": kinds,
        }

    @classmethod
    def from_structure(cls, structure: Any) -> IntegerModel:
        """Make a model of zeros, for a state to be loaded; raises ValueError for what is no structure."""
        return cls(*read_structure(structure))

    def __repr__(self) -> str:
        """Return the steps, one a line, with the values that they take."""
        lines = [
            f"  {step.out} = {step.op}({', '.join(ref[0] for ref in references(step.args) if type(ref) is Value)})"
            for step in self.steps
        ]
        return "\n".join(
            [f"IntegerModel({', '.join(port.name for port in self.inputs)}) -> {self.output.name}", *lines]
        )


def read_structure(structure: Any) -> tuple[list[Port], list[Step], Port, dict[str, Array]]:
    """Inputs, steps, output and tensors of zeros; raises ValueError for what is no structure."""
    try:
        tensors = {name: _zeros(**each) for name, each in structure["tensors"].items()}
        steps = [Step(str(s["op"]), tuple(meant(arg) for arg in s["args"]), str(s["out"])) for s in structure["steps"]]
        *inputs, output = [read_port(**port) for port in (*structure["inputs"], structure["output"])]
    except (AttributeError, KeyError, MemoryError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"IntegerModel: expected inputs, steps, output and tensors, got {error!r}") from error
    return inputs, steps, output, tensors


def _resolved(arg: Any, values: dict[str, Any], tensors: dict[str, Any]) -> Any:
    if type(arg) is Value:
        return values[arg.value]
    if type(arg) is Stored:
        return tensors[arg.stored]
    return [_resolved(each, values, tensors) for each in arg] if type(arg) is list else arg


def channels_last_memory(array: Array) -> Array:
    """The same array; images and their weights, (n, channels, height, width), with the channels last in memory."""
    return np.ascontiguousarray(array.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2) if array.ndim == 4 else array


def _store(model: Module, path: str, array: Array) -> tuple[Module, str]:
    """Register a buffer under a dotted name, in modules made for it; give its module and its last name."""
    *parts, name = path.split(".")
    holder = model
    for part in parts:
        children = dict(holder.named_children())
        if part not in children:
            children[part] = Module()
            holder.add_module(part, children[part])
        holder = children[part]
    holder.register_buffer(name, Tensor(channels_last_memory(array)))
    return holder, name


def _as_codes(port: Port, x: Any) -> Tensor:
    if not isinstance(x, Tensor):
        raise TypeError(f"IntegerModel: expected a Tensor as input '{port.name}', got {type(x).__name__}")
    return x if port.scale is None or x.array.dtype == int8 else int8_quantize(x, port.scale, port.zero_point)


def _checked_op(step: Step) -> Op:
    op = registry.find(step.op)
    if not isinstance(op, Op) or op.inplace:
        raise ValueError(f"IntegerModel: '{step.op}' writes its arguments and cannot be a step")
    if len(step.args) != len(op.arguments):
        raise ValueError(
            f"IntegerModel: step '{step.out}' gives {step.op} {len(step.args)} arguments, "
            f"it takes {', '.join(op.arguments)}"
        )
    return op


def _zeros(dtype: str, shape: list[int]) -> Array:
    return channels_last_memory(np.zeros([int(size) for size in shape], as_dtype(dtype)))
