"""One row of the table of ops: how to draw legal arguments, and how near an answer must be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinytorch.core.tensor.op import Op
from tinytorch.core.tensor.tensor import Tensor
from tinytorch.plugins import registry
from tinytorch.types import Array, DType

Arguments = tuple[Any, ...]  # of a kernel: arrays, lists of arrays, parameters
Sampler = Callable[[np.random.Generator, DType], Arguments]

FLOATS = ("float32", "float64")
EXACT = {"float16": (0.0, 0.0), "float32": (0.0, 0.0), "float64": (0.0, 0.0)}
NEAR = {  # some roundings, in sums of a few dozen elements
    "float16": (4e-3, 1e-3),
    "float32": (1e-5, 1e-6),
    "float64": (1e-12, 1e-13),
}


@dataclass(frozen=True)
class OpCase:
    """How to try an op: `sample(rng, dtype)` draws its kernel's arguments.

    `tolerance` is (rtol, atol) by dtype: how far another implementation may be from the core's. `constants` names float
    inputs that the rule gives no gradient to; `order` says how often the op can be differentiated where it is sampled.
    """

    op: str
    sample: Sampler
    tolerance: Mapping[str, tuple[float, float]]
    dtypes: tuple[str, ...] = FLOATS
    constants: tuple[str, ...] = ()
    order: int = 2

    def declared(self) -> Op:
        """The op itself."""
        found = registry.find(self.op)
        assert isinstance(found, Op)
        return found

    def differentiable(self, arguments: Arguments) -> tuple[Callable[..., Any], list[Array]]:
        """The op as a function of its float inputs alone, and those inputs: what `check_gradient` takes."""
        places = [
            (place, None if isinstance(argument, np.ndarray) else item)
            for place, argument in enumerate(arguments)
            if self.declared().arguments[place] not in self.constants
            for item, array in enumerate(argument if isinstance(argument, list) else [argument])
            if isinstance(array, np.ndarray) and array.dtype.kind == "f"
        ]

        def function(*tensors: Tensor) -> Any:
            taken = [as_tensors(argument) for argument in arguments]
            for (place, item), tensor in zip(places, tensors, strict=True):
                if item is None:
                    taken[place] = tensor
                else:
                    taken[place][item] = tensor
            return self.declared()(*taken)

        return function, [arguments[i] if item is None else arguments[i][item] for i, item in places]

    def __str__(self) -> str:
        return self.op


def as_tensors(argument: Any) -> Any:
    """A kernel's argument as the op takes it: arrays become tensors, lists of arrays lists of tensors."""
    if isinstance(argument, np.ndarray):
        return Tensor(argument)
    return [Tensor(each) for each in argument] if is_list_of_arrays(argument) else argument


def is_list_of_arrays(argument: Any) -> bool:
    """Whether an argument is one input made of several arrays."""
    return isinstance(argument, list) and bool(argument) and isinstance(argument[0], np.ndarray)
