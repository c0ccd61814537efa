"""PackedModel: an integer model whose tensors lie in one array for each dtype.

A file has some hundred bytes for each tensor beside its numbers; a network for microcontrollers has forty of them, of
which most are smaller. So the state is one tensor of int8, one of int32 and so on, and what the steps take are views
into them, written through when a state is loaded. What has one value for all outputs is kept once.
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

    `scales` has scale and zero point of each value of codes; `once` names tensors of one value.
    """

    def __init__(
        self,
        inputs: Sequence[Port],
        steps: Sequence[Step],
        output: Port,
        tensors: Mapping[str, Array],
        scales: Mapping[str, tuple[float, int]],
        once: Sequence[str] | None = None,
    ) -> None:
        super().__init__(inputs, steps, output, tensors)
        self.scales = {name: (float(scale), int(zero_point)) for name, (scale, zero_point) in scales.items()}
        self.once = [name for name, array in tensors.items() if _is_one(name, array)] if once is None else [*once]
        for dtype in sorted({str(array.dtype) for array in tensors.values()}):
            self._pack(dtype, [name for name, array in tensors.items() if str(array.dtype) == dtype])

    def _pack(self, dtype: str, names: list[str]) -> None:
        """Move the tensors of a dtype into one array."""
        parts = [self._kept(name) for name in names]
        whole = np.concatenate([part.reshape(-1) for part in parts])
        self.register_buffer(f"all_{dtype}", Tensor(whole))
        start = 0
        for name, part in zip(names, parts, strict=True):
            module, last = self.places[name]
            tensor = getattr(module, last)
            view = whole[start : start + part.size].reshape(part.shape)
            shape, start = tensor.shape, start + part.size
            tensor.array = np.broadcast_to(view, shape) if name in self.once else _as_seen(view)
            module._transient.add(last)  # noqa: SLF001  saved as a part of the whole

    def _kept(self, name: str) -> Array:
        """A tensor as it lies in memory: images' weights with the channels last."""
        module, last = self.places[name]
        array = channels_last_memory(getattr(module, last).array)
        if name in self.once:
            return array.reshape(-1)[:1]
        return array.transpose(0, 2, 3, 1) if array.ndim == 4 else array

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
        return {**super().structure(), "scales": scales, "once": self.once}

    @classmethod
    def from_structure(cls, structure: Any) -> PackedModel:
        """Make a model of zeros, for a state to be loaded; raises ValueError for what is no structure."""
        plain = IntegerModel.from_structure(structure)
        once = structure.get("once")
        tensors = {name: getattr(*place).array for name, place in plain.places.items()}
        if not isinstance(once, list) or not all(name in tensors and tensors[name].size for name in once):
            raise ValueError(f"PackedModel: expected the names of tensors of one value, got {once!r:.60}")
        try:
            return cls(plain.inputs, plain.steps, plain.output, tensors, structure["scales"], once)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"PackedModel: expected a scale and a zero point for each value, got {error!r}") from error


def _is_one(name: str, array: Array) -> bool:
    return name.endswith(".shift") and array.size > 0 and bool((array == array.flat[0]).all())


def _as_seen(kept: Array) -> Array:
    return kept.transpose(0, 3, 1, 2) if kept.ndim == 4 else kept
