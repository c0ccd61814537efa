"""PackedModel: an integer model whose tensors lie in one array for each dtype.

A file has some hundred bytes for each tensor beside its numbers; a network for microcontrollers has forty of them, of
which most are smaller. So the state is one tensor of int8, one of int32 and so on, and what the steps take are views
into them, made for each run: names of layers stand in no one's way, and a copy or a loaded state is seen at once.
Scales are written in the steps, so that a state says by a digest whose it is.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from tinytorch.core.tensor import Tensor
from tinytorch.core.tensor.dtypes import as_dtype
from tinytorch_quant.integer import IntegerModel, Port, Step, int8_quantize
from tinytorch_quant.integer.model import channels_last_memory, read_structure

if TYPE_CHECKING:
    from tinytorch.types import Array, Shape


class Part(NamedTuple):
    """Where a tensor lies in the array of its dtype."""

    dtype: str
    start: int
    shape: Shape  # as it lies in memory: images' weights with the channels last


class PackedModel(IntegerModel):
    """Steps over values; `state_dict` has a tensor for each dtype, and a digest of the structure.

    `scales` has scale and zero point of each value of codes; `shared` names vectors that are
    beginnings of one another, as the shifts of all layers are; `equalized` says that channels were scaled first.
    """

    digest: Tensor

    def __init__(
        self,
        inputs: Sequence[Port],
        steps: Sequence[Step],
        output: Port,
        tensors: Mapping[str, Array],
        scales: Mapping[str, tuple[float, int]],
        shared: Sequence[str] | None = None,
        equalized: bool = False,
    ) -> None:
        self.equalized = equalized
        self.scales = {name: (float(scale), int(zero_point)) for name, (scale, zero_point) in scales.items()}
        self.shared = _alike(tensors) if shared is None else [*shared]
        super().__init__(inputs, steps, output, tensors)
        told = hashlib.sha256(json.dumps(self.structure()).encode()).digest()
        self.register_buffer("digest", Tensor(np.frombuffer(told[:8], np.uint8).copy()))

    def _keep(self, tensors: Mapping[str, Array]) -> None:
        """Lay the tensors of a dtype into one array, the shared ones together at its end."""
        parts = dict[str, Part]()
        for dtype in sorted({str(array.dtype) for array in tensors.values()}):
            alike = {name: array for name, array in tensors.items() if str(array.dtype) == dtype}
            kept: list[Array] = []
            start = 0
            for name, array in alike.items():
                if name not in self.shared:
                    kept.append(_in_memory(array))
                    parts[name] = Part(dtype, start, kept[-1].shape)
                    start += array.size
            together = [name for name in alike if name in self.shared]
            parts.update((name, Part(dtype, start, alike[name].shape)) for name in together)
            longest = [max((alike[name] for name in together), key=len)] if together else []
            whole = np.concatenate([array.reshape(-1) for array in (*kept, *longest)])
            self.register_buffer(f"all_{dtype}", Tensor(whole))
        self.parts = {name: parts[name] for name in tensors}

    def arrays(self) -> dict[str, Array]:
        """The tensors' numbers by name: views, made of the whole arrays as they are now."""
        found: dict[str, Array] = {}
        for name, (dtype, start, shape) in self.parts.items():
            whole = getattr(self, f"all_{dtype}").array
            found[name] = _as_seen(whole[start : start + math.prod(shape)].reshape(shape))
        return found

    def load_state_dict(self, state_dict: Mapping[str, Tensor], strict: bool = True) -> None:
        """Copy values in by name; raise ValueError where they belong to other steps or scales."""
        digest = state_dict.get("digest") if isinstance(state_dict, Mapping) else None
        if isinstance(digest, Tensor) and not np.array_equal(digest.array, self.digest.array):
            raise ValueError("load_state_dict: the state belongs to a PackedModel of other steps or scales")
        super().load_state_dict(state_dict, strict)

    def to(self, dtype: Any) -> Self:
        """Stay in float32: scales and steps are made for it."""
        if as_dtype(dtype, "to") != np.float32:
            raise TypeError(f"to: a PackedModel computes in float32, got {as_dtype(dtype)}; dequantize it first")
        return self

    def values(self, x: Tensor) -> list[tuple[str, Tensor]]:
        """What each step gives, by name, all of it kept: for looking at a model."""
        (port,) = self.inputs
        assert port.scale is not None
        gave = list[Tensor]()

        def noted(op: Any, args: list[Any]) -> Any:
            out = op(*args)
            gave.append(out[0] if type(out) is tuple else out)
            return out

        self._run({port.name: int8_quantize(x, port.scale, port.zero_point)}, noted, Tensor)
        return [(step.out, value) for step, value in zip(self.steps, gave, strict=True)]

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors, each once."""
        return sum(buffer.array.nbytes for buffer in self._buffers.values() if buffer is not None)

    def structure(self) -> dict[str, Any]:
        """Everything but the numbers, as JSON holds it."""
        scales = {name: list(each) for name, each in self.scales.items()}
        return {**super().structure(), "scales": scales, "shared": self.shared, "equalized": self.equalized}

    @classmethod
    def from_structure(cls, structure: Any) -> PackedModel:
        """Make a model of zeros, for a state to be loaded; raises ValueError for what is no structure."""
        inputs, steps, output, tensors = read_structure(structure)
        shared = structure.get("shared")
        if not isinstance(shared, list) or not all(name in tensors and tensors[name].ndim == 1 for name in shared):
            raise ValueError(f"PackedModel: expected the names of vectors that are shared, got {shared!r:.60}")
        try:
            return cls(inputs, steps, output, tensors, structure["scales"], shared, structure.get("equalized") is True)
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
