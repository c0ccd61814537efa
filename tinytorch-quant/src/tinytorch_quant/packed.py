"""PackedModel: an integer model whose tensors lie in one array for each dtype.

A file has some hundred bytes for each tensor beside its numbers; a network for microcontrollers has forty of them, of
which most are smaller. So the state is one tensor of int8, one of int32 and so on, and what the steps take are views
into them, written through when a state is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytorch.core.tensor import Tensor
from tinytorch_quant.integer import IntegerModel, Port, Step, int8_quantize
from tinytorch_quant.integer.model import channels_last_memory

if TYPE_CHECKING:
    from tinytorch.types import Array


class PackedModel(IntegerModel):
    """Steps over values; `state_dict` has a tensor for each dtype.

    `scales` has scale and zero point of each value of codes; `shared` names vectors that are
    beginnings of one another, as the shifts of all layers are.
    """

    def __init__(
        self,
        inputs: Sequence[Port],
        steps: Sequence[Step],
        output: Port,
        tensors: Mapping[str, Array],
        scales: Mapping[str, tuple[float, int]],
        shared: Sequence[str] | None = None,
    ) -> None:
        super().__init__(inputs, steps, output, tensors)
        self.scales = {name: (float(scale), int(zero_point)) for name, (scale, zero_point) in scales.items()}
        self.shared = _alike(tensors) if shared is None else [*shared]
        for dtype in sorted({str(array.dtype) for array in tensors.values()}):
            self._pack(dtype, [name for name, array in tensors.items() if str(array.dtype) == dtype])

    def _pack(self, dtype: str, names: list[str]) -> None:
        """Move the tensors of a dtype into one array, the shared ones to its end."""
        own = [name for name in names if name not in self.shared]
        shared = [self._array(name) for name in names if name in self.shared]
        parts = [_in_memory(self._array(name)) for name in own]
        longest = [max(shared, key=len)] if shared else []
        whole = np.concatenate([part.reshape(-1) for part in (*parts, *longest)])
        self.register_buffer(f"all_{dtype}", Tensor(whole))
        start = 0
        for name, part in zip(own, parts, strict=True):
            self._look_at(name, _as_seen(whole[start : start + part.size].reshape(part.shape)))
            start += part.size
        for name in names:
            if name in self.shared:
                self._look_at(name, whole[start : start + len(self._array(name))])

    def _array(self, name: str) -> Array:
        module, last = self.places[name]
        return getattr(module, last).array

    def _look_at(self, name: str, view: Array) -> None:
        """Let a buffer be a view, which is saved as a part of the whole."""
        module, last = self.places[name]
        getattr(module, last).array = view
        module._transient.add(last)  # noqa: SLF001

    def values(self, x: Tensor) -> list[tuple[str, Tensor]]:
        """What each step gives, by name, all of it kept: for looking at a model."""
        (port,) = self.inputs
        assert port.scale is not None
        gave = list[Tensor]()

        def noted(op: Any, args: list[Any]) -> Any:
            out = op(*args)
            gave.append(out[0] if type(out) is tuple else out)
            return out

        self._run({port.name: int8_quantize(x, port.scale, port.zero_point)}, noted, lambda tensor: tensor)
        return [(step.out, value) for step, value in zip(self.steps, gave, strict=True)]

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors, each once."""
        return sum(buffer.array.nbytes for buffer in self._buffers.values() if buffer is not None)

    def structure(self) -> dict[str, Any]:
        """Everything but the numbers, as JSON holds it."""
        scales = {name: list(each) for name, each in self.scales.items()}
        return {**super().structure(), "scales": scales, "shared": self.shared}

    @classmethod
    def from_structure(cls, structure: Any) -> PackedModel:
        """Make a model of zeros, for a state to be loaded; raises ValueError for what is no structure."""
        plain = IntegerModel.from_structure(structure)
        shared = structure.get("shared")
        tensors = {name: getattr(*place).array for name, place in plain.places.items()}
        if not isinstance(shared, list) or not all(name in tensors and tensors[name].ndim == 1 for name in shared):
            raise ValueError(f"PackedModel: expected the names of vectors that are shared, got {shared!r:.60}")
        try:
            return cls(plain.inputs, plain.steps, plain.output, tensors, structure["scales"], shared)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"PackedModel: expected a scale and a zero point for each value, got {error!r}") from error


def _alike(tensors: Mapping[str, Array]) -> list[str]:
    """The names of the shifts, if all of them are the same."""
    shifts = {name: array for name, array in tensors.items() if name.endswith(".shift")}
    return [*shifts] if len({int(each) for array in shifts.values() for each in array}) == 1 else []


def _in_memory(array: Array) -> Array:
    """A tensor as it lies in memory: images' weights with the channels last."""
    array = channels_last_memory(array)
    return array.transpose(0, 2, 3, 1) if array.ndim == 4 else array


def _as_seen(kept: Array) -> Array:
    return kept.transpose(0, 3, 1, 2) if kept.ndim == 4 else kept
